/* A lease in one Redis whose scripts may not ask it who it is: the portable protocol. Two workers, and time in whole ticks.
 *
 * A message says for whom its worker takes the server. The bucket compares that with the server that it knows: if they differ,
 * nothing is done; the worker asks the server who it is, and says so with the next message, for sure. An answer counts if
 * the server says afterwards, over the same connection, that it is the one that was meant.
 *
 * The server may be replaced at any time by one that has the same data, perhaps but for the newest lease; or be emptied. A message,
 * and its answer, takes any time or gets lost. A caller that gets no answer asks again as the same owner, as a client does.
 *
 * Promised: ALONE - never do two workers believe that their lease is valid.
 *
 * BACK is a limit, not a mutant: the server is another one only while a message is carried out, and the former one when it is asked. */
#define NOLOOK   1 /* the server is asked who it is before a message is sent, and not after it */
#define FOUND    2 /* who asks again in quarantine finds the grant of a server that was taken for another one */
#define BACK     3
#ifndef MUTANT
#define MUTANT 0
#endif
#define is(mutant) (MUTANT == mutant)

#define TTL 3
#define VALID 2                                        /* how long a lease counts as valid, from before the request */
#define LONG (TTL + 1)
#define ME _pid
#define NOBODY 7
#define PAST 6                                         /* the owner of a lease is a run: one that is over */
#define NOONE 7                                        /* an emptied bucket knows no server */
mtype:phase = { IDLE, ASKING, HELD };
mtype:message = { NOTHING, ACQUIRE, RENEWAL, STRAY /* of a run that is over */, CARRIED /* out, not yet looked */,
                  REFUSED /* as the bucket knows another server */, YES, NO, UNSURE };

byte holder = NOBODY, left, newest;                    /* Redis: lease, its time to live, who has the highest token */
byte id, knows;                                        /* who the server is, and who it is to the bucket */
byte since = LONG, until;                              /* since when the bucket knows it, until when it is quarantined */
mtype:phase phase[2] = IDLE; mtype:message wire[2] = NOTHING; /* at most one message or answer a worker */
byte taken[2], meant[2];                               /* for whom a worker takes the server; and its message */
bool sure[2], granted[2];                              /* whether a worker has just looked; what the answer will be */
byte valid[2], asked[2];                               /* what is left of the lease, of the one asked for */

#define quarantined (since < until)

/* Only which identities are equal matters, so the present one is always called 0, and the others in order from 1. */
#define UNNAMED 8
hidden byte name[8], names;
inline rename(who) {
  if :: name[who] == UNNAMED -> names = names + 1; name[who] = names :: else fi; who = name[who]
}
inline renamed() {
  name[0] = UNNAMED; name[1] = UNNAMED; name[2] = UNNAMED; name[3] = UNNAMED; name[4] = UNNAMED; name[5] = UNNAMED;
  name[6] = UNNAMED; name[NOONE] = NOONE; names = 0; name[id] = 0; id = 0;
  rename(knows); rename(taken[0]); rename(meant[0]); rename(taken[1]); rename(meant[1])
}

inline send(w, message) {
  taken[w] = (is(NOLOOK) -> id : taken[w]); meant[w] = taken[w]; sure[w] = false; wire[w] = message
}
inline looks(w) {                                      /* every script starts with it */
  if :: knows != meant[w] -> knows = meant[w]; since = 0; until = LONG :: else fi
}
inline drop(w) {                                       /* this run is over; what it has sent is still on its way */
  valid[w] = 0; asked[w] = 0; phase[w] = IDLE; granted[w] = false; holder = (holder == w -> PAST : holder);
  wire[w] = (wire[w] == ACQUIRE || wire[w] == RENEWAL -> STRAY : NOTHING);
  meant[w] = (wire[w] == STRAY -> meant[w] : taken[w]); sure[w] = (wire[w] == STRAY && sure[w])
}

active [2] proctype worker() {
end: do
  :: d_step { phase[ME] == IDLE && wire[ME] == NOTHING -> phase[ME] = ASKING; asked[ME] = VALID; send(ME, ACQUIRE) }
  :: d_step { phase[ME] == ASKING && wire[ME] == NOTHING && asked[ME] > 0 -> send(ME, ACQUIRE) } /* again */
  :: d_step { phase[ME] == HELD && wire[ME] == NOTHING && valid[ME] > 0 -> asked[ME] = VALID; send(ME, RENEWAL) }
  :: d_step { wire[ME] == YES -> wire[ME] = NOTHING;
       if
       :: phase[ME] == ASKING && asked[ME] > 0 -> phase[ME] = HELD; valid[ME] = asked[ME]
       :: phase[ME] == HELD && valid[ME] > 0 -> valid[ME] = asked[ME]
       :: else -> drop(ME)
       fi; asked[ME] = 0; assert(valid[ME] == 0 || valid[1 - ME] == 0 /* ALONE */) }
  :: d_step { wire[ME] == NO -> drop(ME) }
  :: d_step { wire[ME] == UNSURE -> wire[ME] = NOTHING }
  :: d_step { phase[ME] == ASKING -> drop(ME) }        /* gives up */
  :: d_step { phase[ME] == HELD && valid[ME] > 0 ->    /* releases */
       if :: holder == ME -> holder = NOBODY; left = 0 :: else fi; drop(ME) }
  :: d_step { phase[ME] == HELD && valid[ME] == 0 -> drop(ME) } /* has run out: notified of the loss */
  od
}

active proctype redis() {
  byte w;
end: do
  :: w = 1 - w
  :: d_step { (wire[w] == ACQUIRE || wire[w] == RENEWAL) && knows != NOONE && knows != meant[w] && !sure[w] -> wire[w] = REFUSED }
  :: d_step { wire[w] == ACQUIRE && (knows == NOONE || knows == meant[w] || sure[w]) -> looks(w);
       granted[w] = (holder == w && (!quarantined || is(FOUND))) || (holder == NOBODY && !quarantined);
       if :: granted[w] -> newest = (holder == w -> newest : w); holder = w; left = TTL :: else fi; wire[w] = CARRIED; renamed() }
  :: d_step { wire[w] == RENEWAL && (knows == NOONE || knows == meant[w] || sure[w]) -> looks(w);
       granted[w] = holder == w || (quarantined && (holder == NOBODY || newest == w));
       if :: granted[w] -> holder = w; left = TTL :: else fi; wire[w] = CARRIED; renamed() }
  :: d_step { is(BACK) && wire[w] == ACQUIRE && knows == meant[w] -> granted[w] = true; wire[w] = CARRIED }
  :: d_step { wire[w] == REFUSED -> taken[w] = id; meant[w] = id; sure[w] = true;
       wire[w] = (phase[w] == ASKING -> ACQUIRE : RENEWAL); renamed() }
  :: d_step { wire[w] == CARRIED ->
       wire[w] = (meant[w] == id || is(NOLOOK) -> (granted[w] -> YES : NO) : UNSURE);
       taken[w] = id; meant[w] = id; sure[w] = false; granted[w] = false; renamed() }
  :: d_step { wire[w] == STRAY -> wire[w] = NOTHING;
       if
       :: knows == NOONE || knows == meant[w] || sure[w] -> looks(w);
          if :: holder == NOBODY || holder == PAST || quarantined -> holder = PAST; left = TTL :: else fi
       :: else
       fi; meant[w] = taken[w]; sure[w] = false; renamed() }
  :: d_step { wire[w] != NOTHING -> wire[w] = NOTHING; meant[w] = taken[w]; sure[w] = false; granted[w] = false; renamed() } /* is lost */
  :: d_step { id = 6; renamed();
       if :: holder = NOBODY; left = 0 :: skip fi }    /* becomes another, which that lacks the newest lease or has it */
  :: d_step { knows != NOONE -> knows = NOONE; holder = NOBODY; left = 0; since = LONG; until = 0; renamed() } /* is emptied */
  od
}

active proctype clock() {
end: do
  :: d_step { left = left - (left > 0); since = since + (since < LONG); until = (since >= until -> 0 : until);
       holder = (left == 0 -> NOBODY : holder);
       valid[0] = valid[0] - (valid[0] > 0); valid[1] = valid[1] - (valid[1] > 0);
       asked[0] = asked[0] - (asked[0] > 0); asked[1] = asked[1] - (asked[1] > 0) }
  od
}
