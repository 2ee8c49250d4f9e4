/* One occurrence of a job: the lease in Redis, the claim in the ledger, the fenced commit. Three runs want it.
 *
 * A pause is an interleaving: between two steps of a run everything else may happen. Runs 0 and 1 may crash anywhere,
 * fail, give up, or be notified of a loss. Run 2 is the worker of run 0 that has come back; it stays and keeps asking. Each
 * run is an owner of its own, so an attempt that gives up an unanswered request and asks again is another run.
 * Time is left out: what may expire may expire now.
 *
 * With ABANDON a run announces its start to the ledger, by a statement of its own, and starts once that is confirmed. A run
 * without an answer gives back, again and again until that is confirmed. Each of these statements may be carried out late.
 *
 * Promised: ONCE at most one effect is committed - AGREE the effect and the DONE row are there together or not at all -
 * NEWEST only the newest claim commits - GROW tokens of claims grow - FILTER Redis says "done" only of what is done -
 * START with ABANDON, code that may have crashed is not started again - SENT no run is abandoned that has not announced its
 * start - LEFT at rest, an ABANDONED run has started, or its worker died before it got the confirmation - SETTLED at rest,
 * row is DONE or ABANDONED.
 *
 * -DABANDON: a crashed run is left for an operator (at most once). -DMUTANT=x: breaks one rule, which must be noticed. */
#define NOLEDGER   1 /* there is only the lease */
#define TWOTX      2 /* the effects are committed in a transaction of their own, before the completion */
#define RECLAIM    3 /* a repeated claim does not look whether the row is still RUNNING */
#define NOTOKEN    4 /* the completion compares neither owner nor token */
#define OWNERONLY  5 /* the completion compares the owner only */
#define EARLYTOKEN 6 /* the token is drawn when the statement is sent, not once it has the row */
#define BLINDDONE  7 /* after a commit in doubt, the row is noted as done on its own */
#define EARLYMARK  8 /* Redis records "done" before the commit */
#define WITHDRAW   9 /* with ABANDON: a claim is withdrawn although its code had started */
#define NOTAKEOVER 10 /* a deadline that has passed frees nothing */
#define REACH     11 /* not a mutant: shows that run 2 can finish what two crashed runs had started */
#define KEEPOWNER 12 /* with ABANDON: a run that gave up asks again as the owner it was */
#define CLAIMBEGINS 13 /* with ABANDON: a claim alone counts as started */
#define UNHEARD   14 /* with ABANDON: a run starts although it was not confirmed that it may */
#define ONCEONLY  15 /* with ABANDON: ... it gives back, but does not repeat that */
#define STAYSLEFT 16 /* with ABANDON: ... its giving back frees nothing that was abandoned meanwhile */
#define GHOST     17 /* not a mutant: shows that a run is abandoned that never started, and freed again */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef ABANDON
#define ABANDON 0
#endif
#define is(mutant) (MUTANT == mutant)

#define N 3
#define ME _pid                                        /* an owner is a run, never a worker */
#define MORTAL (ME < N - 1)
#define NOBODY 7
mtype:state = { FREE /* no row, FAILED, RELEASED or LOST: alike for a claim */, RUNNING, DONE, ABANDONED };
mtype:message = { UNSENT, ONWAY, GONE };

byte lease = NOBODY; bool marker;                      /* Redis: the lease's owner, the done marker */
mtype:state row = FREE; byte owner = NOBODY, token; bool late; /* the ledger's row; late: its deadline has passed */
byte sequence, drawn[N];                               /* where tokens come from; the number each claim drew */
byte locker = NOBODY;                                  /* whose transaction has locked the row, until it ends */
mtype:message claiming[N] = UNSENT;                    /* a claim statement whose sender has stopped waiting for it */
bool beginning;                                        /* likewise, the start of run 0 */
mtype:goodbye = { STAYS, WITHDRAWS, LEAVES, RETURNS };
mtype:goodbye leaving[N] = STAYS;                      /* likewise, a withdrawal, or how a run leaves that did not end */
byte mine[N]; bool noted;                              /* the token each run was given; the row's run has started */
bool back, sent, left; byte effects, begun, crashed;   /* for the properties only; sent and left: of run 0 */

#define unlocked (locker == NOBODY)                    /* other statements on the row wait for the open transaction */
#define holds(o) (row == RUNNING && owner == o && token == mine[o])
#define fence(o) (row == RUNNING && (is(NOTOKEN) || (owner == o && (is(OWNERONLY) || token == mine[o]))))
#define claimable(o) (row != RUNNING || owner == o || (late && !is(NOTAKEOVER)))

inline properties() {
  assert(effects <= 1 /* ONCE */); assert((effects == 1) == (row == DONE) || is(TWOTX) || is(NOLEDGER) /* AGREE */)
}
inline free() { row = FREE; owner = NOBODY; late = false; noted = false }
inline abandon() { assert(owner != 0 || sent /* SENT */); row = ABANDONED; late = false; noted = false }

inline withdraw(o) { if :: row == RUNNING && owner == o -> free() :: else fi } /* it has never received a token */
inline leave(o) {
  if :: holds(o) && ABANDON -> abandon() :: holds(o) && !ABANDON -> free() :: else fi
}
inline begin(o) { if :: holds(o) && !late -> noted = true :: else fi }
inline giveBackClaim(o) {                              /* of a run that never started */
  if
  :: (row == RUNNING || (row == ABANDONED && !is(STAYSLEFT))) && owner == o && token == mine[o] ->
     assert(row != ABANDONED || !is(GHOST)); free()
  :: else
  fi
}

inline claim(o) {                                      /* one statement; only on an unlocked row */
  if
  :: owner == o && (row == RUNNING || (is(RECLAIM) && row == DONE)) -> row = RUNNING; late = false
  :: else -> if
    :: row == DONE || row == ABANDONED || !claimable(o) -> skip
    :: row == RUNNING && late && noted -> abandon()
    :: else ->
       if :: is(EARLYTOKEN) -> skip :: else -> sequence++; drawn[o] = sequence fi;
       assert(drawn[o] > token /* GROW */);
       row = RUNNING; owner = o; late = false; token = drawn[o]; noted = is(CLAIMBEGINS);
       if /* an outdated token is like any other: number anew, so that the search ends */
       :: is(EARLYTOKEN) -> skip
       :: else -> mine[0] = 0; mine[1] = 0; mine[2] = 0; drawn[o] = 0; token = 1; sequence = 1
       fi
    fi
  fi;
  properties()
}

active [N] proctype attempt() {
  bool started, asked;                                 /* its code has started; it has asked again */
  if :: MORTAL :: else -> back fi;
acquire:
  if
  :: atomic { marker -> assert(row == DONE || is(NOLEDGER) /* FILTER */); goto over }
  :: atomic { !marker && (lease == NOBODY || lease == ME) -> lease = ME }
  :: !is(NOLEDGER)                                     /* Redis does not answer: the ledger alone decides */
  :: MORTAL -> goto crash
  fi;
  if :: is(NOLEDGER) -> goto body :: else fi;
  if :: is(EARLYTOKEN) && !drawn[ME] -> d_step { sequence++; drawn[ME] = sequence } :: else fi;
endAsk:                                                /* run 2 waits for a run that may yet free the row */
  if                                                   /* "held" changes nothing: waiting stands for asking again */
  :: atomic { unlocked && claimable(ME) && (MORTAL || row != ABANDONED) -> claim(ME);
       if :: row == RUNNING && owner == ME -> mine[ME] = token
          :: row == ABANDONED && !MORTAL -> goto endAsk
          :: else -> goto over
       fi }
  :: atomic { claiming[ME] == UNSENT -> claiming[ME] = ONWAY }; /* no answer; it may be carried out yet */
     if
     :: goto endAsk
     :: MORTAL -> if                                   /* gives up and withdraws: only a claim whose code never started */
       :: !started || is(WITHDRAW) -> atomic { unlocked -> withdraw(ME) }
       :: !started || is(WITHDRAW) -> leaving[ME] = WITHDRAWS /* ... and is not answered: it may be carried out yet */
       :: true                                         /* ... or that is lost as well */
       fi; if :: is(KEEPOWNER) && !asked -> asked = true; goto acquire :: else -> goto giveBack fi
     fi
  :: MORTAL -> goto crash
  fi;
  if :: started && (ABANDON || MORTAL) -> goto lost :: else fi; /* was rolled back; only run 2 starts again */
  if
  :: !ABANDON
  :: ABANDON -> sent = sent || ME == 0;
     if
     :: atomic { unlocked -> begin(ME);
          if :: holds(ME) && noted
             :: else -> if :: MORTAL -> goto giveBack :: else -> goto acquire fi
          fi }
     :: ME == 0 -> beginning = true;                   /* no answer; it may be carried out yet */
        if :: is(UNHEARD) -> skip :: else -> goto notBegun fi
     :: MORTAL -> goto crash
     fi
  fi;
body:
  begun = begun + ABANDON; assert(begun <= 1 /* START */); started = true; left = left || (ABANDON && ME == 0);
  if :: is(NOLEDGER) && lease == ME -> atomic { effects++; properties() }; goto done /* checked first, done later */
     :: is(NOLEDGER) && lease != ME -> goto acquire
     :: else
  fi;
  do
  :: atomic { unlocked -> if :: holds(ME) -> late = false :: else -> goto lost fi }  /* heartbeat */
  :: MORTAL -> goto lost                               /* the lease could not be renewed */
  :: MORTAL -> begun = begun - ABANDON;                /* the code failed: it has ended, and may start again */
     atomic { unlocked -> if :: holds(ME) -> free() :: else fi }; goto giveBack
  :: MORTAL -> goto crash
  :: break                                             /* the effects are written, not yet committed */
  od;
  if :: is(TWOTX) -> atomic { effects++; properties() } :: is(EARLYMARK) -> marker = true :: else fi;
  atomic { unlocked -> if :: fence(ME) -> locker = ME :: else -> goto lost fi }; /* completion; 0 rows: rolled back */
  if                                                   /* COMMIT is sent */
  :: atomic { locker != ME -> if :: row == DONE -> goto done :: else fi } /* answered: committed, or rolled back */
  :: true                                              /* no answer: in doubt */
  :: MORTAL -> goto crash
  fi;
  if :: is(BLINDDONE) -> atomic { unlocked -> if :: holds(ME) -> row = DONE; properties() :: else fi } :: else fi;
  goto endAsk;                                         /* the claim waits for the transaction that is in doubt */
lost:
  if
  :: atomic { unlocked -> leave(ME) }
  :: MORTAL -> leaving[ME] = LEAVES                    /* is not answered: it may be carried out yet */
  :: MORTAL                                            /* that never arrived */
  fi;
  if :: MORTAL -> goto giveBack :: else -> goto acquire fi;
notBegun:
  do                                                   /* is repeated until it is confirmed */
  :: atomic { unlocked -> giveBackClaim(ME); break }
  :: atomic { leaving[ME] == STAYS -> leaving[ME] = RETURNS }; if :: is(ONCEONLY) -> break :: else fi
  :: is(ONCEONLY) -> break                             /* never arrived */
  :: goto crash
  od;
  goto giveBack;
done:
  atomic { if :: lease == ME -> marker = true :: else fi };
giveBack:
  atomic { if :: lease == ME -> lease = NOBODY :: else fi; goto over };
crash:
  left = left || (ME == 0 && sent);                     /* it died before the answer */
  crashed = crashed + (is(REACH) && started);          /* an open transaction is left to the server */
over:
  if :: ME == 0 -> back = true :: else fi;
  d_step { started = false; claiming[ME] = (claiming[ME] == UNSENT -> GONE : claiming[ME]); /* forget: fewer states */
    if :: locker == ME || leaving[ME] == LEAVES || leaving[ME] == RETURNS || (ME == 0 && beginning) -> skip
       :: else -> mine[ME] = 0
    fi;
    if :: ME == 0 && owner != ME -> sent = false; left = false :: else -> skip fi }
}

active proctype world() {
end: do
  :: lease != NOBODY -> lease = NOBODY                 /* the lease lapses */
  :: marker -> d_step { lease = NOBODY; marker = false } /* Redis loses everything (or, above, all that there is) */
  :: row == RUNNING && !late -> late = true            /* the deadline passes */
  od
}

active proctype postgres() {
end: do
  :: atomic { !unlocked ->
       if                                              /* the transaction ends, whether its run waits or not */
       :: assert(mine[locker] == token /* NEWEST */); row = DONE; late = false; noted = false;
          if :: is(TWOTX) -> skip :: else -> effects++ fi; properties(); assert(!(is(REACH) && crashed == 2))
       :: true                                         /* rolled back: connection lost, constraint, ... */
       fi; locker = NOBODY }
  :: atomic { unlocked && claiming[0] == ONWAY -> claiming[0] = GONE; claim(0) }
  :: atomic { unlocked && claiming[1] == ONWAY -> claiming[1] = GONE; claim(1) }
  :: atomic { unlocked && claiming[2] == ONWAY -> claiming[2] = GONE; claim(2) }
  :: atomic { unlocked && leaving[0] == WITHDRAWS -> leaving[0] = STAYS; withdraw(0) }
  :: atomic { unlocked && leaving[1] == WITHDRAWS -> leaving[1] = STAYS; withdraw(1) }
  :: atomic { unlocked && leaving[0] == LEAVES -> leaving[0] = STAYS; leave(0); mine[0] = 0 }
  :: atomic { unlocked && leaving[1] == LEAVES -> leaving[1] = STAYS; leave(1); mine[1] = 0 }
  :: atomic { unlocked && leaving[0] == RETURNS -> leaving[0] = STAYS; giveBackClaim(0) }
  :: atomic { unlocked && beginning -> beginning = false; begin(0) }
  od
}

active proctype rest() {
  timeout -> assert(row == DONE || row == ABANDONED || is(NOLEDGER) /* SETTLED */);
  assert(row != ABANDONED || owner != 0 || left /* LEFT */)
}
