/* A lease in one Redis that may lose its memory at any time, two workers, and time in whole ticks.
 *
 * Clocks are counters that a tick moves together, so there is no horizon. A message, and its answer, takes any time or
 * gets lost. A worker may be paused anywhere. Clocks of different rates are left out: VALID < TTL is there for them.
 *
 * Promised: ALONE - never do two workers believe that their lease is valid.
 *
 * NEWCOMER is a limit, not a mutant: if a worker that never spoke to this Redis is the first to find it empty, the
 * quarantine is short, so holders must show themselves in time; PROMPT assumes that they do.
 *
 * PROVEN: such a worker is granted at once by a server that has been up for longer than a lease lives, and was not emptied since
 * by a command that it counts. Nobody need be prompt. BYHAND is its limit: keys that are deleted one by one are not counted. */
#define NOQUARANTINE 1 /* what lost its memory grants at once */
#define REPLYTIME    2 /* validity counts from the answer, not from before the request */
#define REVIVE       3 /* a late answer brings back a lease that had run out */
#define SHORT        4 /* the quarantine is shorter than the longest validity */
#define NORECHECK    5 /* an answer to acquire counts however late it comes */
#define YOUNG        6 /* PROVEN, however short the server has been up */
#define UNSEEN       7 /* PROVEN, although it was emptied since */
#define BYHAND       8 /* no mutant but a limit: keys are deleted in a way that the server does not count */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef NEWCOMER
#define NEWCOMER 0
#endif
#ifndef PROVEN
#define PROVEN 0
#endif
#ifndef PROMPT
#define PROMPT 0
#endif
#define is(mutant) (MUTANT == mutant)

#define TTL 4
#define VALID 3                                        /* how long a lease counts as valid, from before the request */
#define RENEW 1                                        /* how long a prompt holder goes without a renewal */
#define LONG (is(NOQUARANTINE) -> 0 : (is(SHORT) -> VALID - 1 : TTL + 1))
#define BRIEF (RENEW + 1)                              /* the quarantine of a namespace that looks new */
#define ME _pid
#define NOBODY 7
#define PAST 6                                         /* the owner of a lease is a run: one that is over */
mtype:phase = { IDLE, ASKING, HELD };
mtype:message = { NOTHING, ACQUIRE, RENEWAL, STRAY /* of a run that is over */, YES, NO };

byte holder = NOBODY, left, newest;                    /* Redis: lease, its time to live, who has the highest token */
bool known = true; byte since = TTL + 1, until;        /* does it know the namespace, since when, quarantined until */
byte up = TTL + 1; bool emptied;                       /* for how long it has been up, and whether it was emptied since */
mtype:phase phase[2] = IDLE; mtype:message wire[2] = NOTHING; /* at most one message or answer a worker */
byte valid[2], asked[2], age[2];                       /* what is left of the lease, of the one asked for; PROMPT */

#define quarantined (since < until)
#define proves (PROVEN && (up > TTL || is(YOUNG)) && (!emptied || is(UNSEEN)))
#define overdue(w) (PROMPT && age[w] >= RENEW && (phase[w] == HELD || (phase[w] == ASKING && wire[w] == YES)))

inline looks(w) {                                      /* every script starts with it */
  if
  :: !known -> known = true; since = 0; until = (w == 1 && proves -> 0 : (NEWCOMER && w == 1 -> BRIEF : LONG))
  :: known && !(NEWCOMER && w == 1) && until == BRIEF && NEWCOMER -> until = LONG
  :: else
  fi
}
inline forgets() { known = false; holder = NOBODY; left = 0; since = 0; until = 0 }
inline grant(w) { holder = w; left = TTL; wire[w] = YES; age[w] = 0 }
inline drop(w) {                                       /* this run is over; what it has sent is still on its way */
  valid[w] = 0; asked[w] = 0; phase[w] = IDLE; holder = (holder == w -> PAST : holder);
  wire[w] = (wire[w] == ACQUIRE || wire[w] == RENEWAL -> STRAY : NOTHING)
}

active [2] proctype worker() {
end: do
  :: d_step { phase[ME] == IDLE && wire[ME] == NOTHING -> phase[ME] = ASKING; wire[ME] = ACQUIRE; asked[ME] = VALID }
  :: d_step { phase[ME] == HELD && wire[ME] == NOTHING && valid[ME] > 0 -> wire[ME] = RENEWAL; asked[ME] = VALID }
  :: d_step { wire[ME] == YES -> wire[ME] = NOTHING;
       if
       :: phase[ME] == ASKING && (asked[ME] > 0 || is(REPLYTIME) || is(NORECHECK)) -> phase[ME] = HELD;
          valid[ME] = (is(REPLYTIME) || (is(NORECHECK) && asked[ME] == 0) -> VALID : asked[ME])
       :: phase[ME] == HELD && (valid[ME] > 0 || is(REVIVE)) -> valid[ME] = (is(REPLYTIME) -> VALID : asked[ME])
       :: else -> drop(ME)
       fi; asked[ME] = 0; assert(valid[ME] == 0 || valid[1 - ME] == 0 /* ALONE */) }
  :: d_step { wire[ME] == NO -> wire[ME] = NOTHING; drop(ME) }
  :: d_step { phase[ME] == ASKING -> drop(ME) }        /* gives up */
  :: d_step { phase[ME] == HELD && valid[ME] > 0 ->    /* releases */
       if :: holder == ME -> holder = NOBODY; left = 0 :: else fi; drop(ME) }
  :: d_step { phase[ME] == HELD && valid[ME] == 0 && !is(REVIVE) -> drop(ME) } /* has run out: notified of the loss */
  od
}

active proctype redis() {
  byte w;
end: do
  :: w = 1 - w
  :: d_step { wire[w] == ACQUIRE -> looks(w);
       if
       :: holder == w -> grant(w)
       :: holder == NOBODY && !quarantined -> grant(w); newest = w
       :: else -> wire[w] = NO
       fi }
  :: d_step { wire[w] == RENEWAL -> looks(w);
       if
       :: holder == w -> grant(w)
       :: quarantined && (holder == NOBODY || newest == w) -> grant(w)
       :: else -> wire[w] = NO
       fi }
  :: d_step { wire[w] == STRAY -> looks(w); wire[w] = NOTHING;
       if :: holder == NOBODY || holder == PAST || quarantined -> holder = PAST; left = TTL :: else fi }
  :: d_step { wire[w] == STRAY -> looks(w); wire[w] = NOTHING }  /* or it finds nothing to do */
  :: d_step { known -> forgets(); up = 0; emptied = false } /* is restarted, and loses everything */
  :: d_step { PROVEN && known -> forgets(); emptied = true } /* is emptied */
  :: d_step { is(BYHAND) && known -> forgets() }
  :: !PROMPT -> wire[w] = NOTHING                      /* a message is lost */
  od
}

active proctype clock() {
end: do
  :: d_step { !overdue(0) && !overdue(1) ->
       left = left - (left > 0); since = since + (since < TTL + 1); up = up + (PROVEN && up < TTL + 1);
       holder = (left == 0 -> NOBODY : holder);
       valid[0] = valid[0] - (valid[0] > 0); valid[1] = valid[1] - (valid[1] > 0);
       asked[0] = asked[0] - (asked[0] > 0); asked[1] = asked[1] - (asked[1] > 0);
       age[0] = age[0] + (PROMPT && age[0] < RENEW); age[1] = age[1] + (PROMPT && age[1] < RENEW) }
  od
}
