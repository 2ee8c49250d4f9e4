/* One lock key in one Redis, two workers, five asks in all, and requests that are carried out late.
 *
 * An ask, a withdrawal and a release whose answers did not come may be carried out at any later time, in any order, or
 * never; the client may also send an ask again by itself. An attempt that was refused, gave its lease back without using
 * it, or got no answer asks again, as a new owner. Time is left out: a lease may lapse at any time, but not while its run
 * counts it as valid, as validity ends first; and an answer counts only if the lease has not lapsed meanwhile.
 *
 * Of a token counts only whether it still is that of the lease: so there are no numbers, and the search ends.
 *
 * Promised: ALONE - never do two runs believe that their lease is valid. */
#define KEEPOWNER  1 /* an attempt keeps its owner when it asks again */
#define FOUNDAGAIN 2 /* ... only after a release that was not confirmed: it finds its grant, token and all */
#define OWNERONLY  3 /* ... and a release names the owner only */
#define LATEANSWER 4 /* an answer counts although the lease may have lapsed */
#define REACH      5 /* not a mutant: shows that a ghost, granted to nobody who waits, does come and go */
#ifndef MUTANT
#define MUTANT 0
#endif
#define is(mutant) (MUTANT == mutant)

#define ASKS 3                                         /* of the first; the second asks twice */
#define OWNERS 5
#define NOBODY 6
#define ME _pid
#define of(o) (o / ASKS)                               /* whose attempt an owner belongs to */

byte lease = NOBODY;                                   /* Redis: the lease's owner */
bool asking[OWNERS], withdrawing[OWNERS];              /* on their way, and nobody waits for them */
bool releasing[OWNERS];                                /* likewise, with the token of the lease as it is; else it finds nothing */
byte now[2] = NOBODY; bool known[2];                   /* an attempt: its present owner; whether it knows the lease's token */
bool lapsed[2], valid[2];                              /* has its lease lapsed; is it running */
bool ghost;                                            /* for the properties only */

inline ask(o) {                                        /* an ask that is carried out again finds its grant */
  if
  :: lease == NOBODY -> lease = o; ghost = is(REACH) && now[of(o)] != o;
     releasing[o] = releasing[o] && is(OWNERONLY); known[of(o)] = known[of(o)] && now[of(o)] != o /* a token of its own */
  :: else
  fi
}
inline free() { lease = NOBODY; ghost = false }
inline withdraw(o) { if :: lease == o -> free() :: else fi } /* it has never received a token */

active [2] proctype attempt() {
  byte n; bool kept;
again:
  atomic {
    if
    :: is(KEEPOWNER) -> now[ME] = ME * ASKS
    :: kept -> skip
    :: else -> now[ME] = ME * ASKS + n
    fi;
    n++; kept = false; lapsed[ME] = false; known[ME] = false;
    if :: asking[now[ME]] = true :: true fi            /* a copy of it stays on its way */
  };
  if
  :: atomic { lease == NOBODY || lease == now[ME] -> ask(now[ME]); known[ME] = true } /* granted; the answer is on its way */
  :: atomic { lease != NOBODY && lease != now[ME] -> goto next } /* held: asks again later */
  :: goto unheard
  fi;
  if
  :: atomic { !lapsed[ME] || is(LATEANSWER) ->
       if
       :: valid[ME] = true; assert(!valid[1 - ME] /* ALONE */)
       :: goto giveBack                                /* it is not used: vetoed, or a throttle has no place */
       fi }
  :: goto unheard                                      /* the answer is lost, or comes too late */
  fi;
  valid[ME] = false;                                   /* has ended, or its validity is over */
giveBack:
  atomic {
    if
    :: if :: lease == now[ME] && (known[ME] || is(OWNERONLY)) -> free() :: else fi
    :: releasing[now[ME]] = releasing[now[ME]] || (lease == now[ME] && known[ME]) || is(OWNERONLY);
       kept = is(FOUNDAGAIN) || is(OWNERONLY)
    fi; goto next };
unheard:
  atomic { if :: withdraw(now[ME]) :: withdrawing[now[ME]] = true :: true fi };
next:
  atomic { known[ME] = false; lapsed[ME] = false; if :: n < ASKS - ME -> goto again :: else -> now[ME] = NOBODY; n = 0 fi }
}

#define carries(o) \
  :: d_step { asking[o] -> asking[o] = false; ask(o) } \
  :: d_step { withdrawing[o] -> withdrawing[o] = false; withdraw(o) } \
  :: d_step { releasing[o] -> releasing[o] = false; if :: lease == o -> free() :: else fi }

active proctype redis() {
end: do
  carries(0) carries(1) carries(2) carries(3) carries(4)
  :: d_step { lease != NOBODY && !(valid[of(lease)] && now[of(lease)] == lease) ->  /* it lapses */
       assert(!ghost /* REACH */); if :: now[of(lease)] == lease -> lapsed[of(lease)] = true :: else fi; free() }
  od
}
