/* The fencing token of a quorum: three independent servers, two clients, three rounds in all.
 *
 * A round asks servers for the lease; a free one grants it, with its last + 1 as token. The largest of a majority is written
 * back: a server counts for it if the round holds the lease there and was granted no larger token. It counts once a
 * majority does. Servers are asked in any order; what was not waited for arrives later or never. Leases lapse, are given
 * back or taken away at any time, so nothing rests on how long anything takes.
 *
 * Promised: UNIQUE no token counts twice - ORDER a round that starts after a token counted gets a larger one. */
#define ONEPHASE 1 /* the largest of a majority counts without being written back */
#define NOLEASE  2 /* a server counts without the lease, if it has seen nothing larger */
#define NOLIMIT  3 /* a server counts although it has granted a larger token */
#define NORAISE  4 /* a server that counts does not remember the token */
#ifndef MUTANT
#define MUTANT 0
#endif
#define is(mutant) (MUTANT == mutant)

#define SERVERS 3
#define MAJORITY 2
#define ROUNDS (2 - _pid)                              /* the second client makes one */
#define ME (1 + _pid * 2 + round)                      /* an owner is a run: new in each round */

byte last[SERVERS], lease[SERVERS], granted[SERVERS];  /* a server: its largest token; the lease's owner, and its token */
byte lateValue[2], lateOwner[2], lateTo[2];            /* a write that its client no longer waits for */
byte highest; int counted;                             /* the largest token that counted; all of them, as bits */

#define bit(s) (1 << s)
#define open(s) (yes < MAJORITY && no < MAJORITY && !(seen & bit(s)))
#define counts(s, value, owner) ((lease[s] == owner || (is(NOLEASE) && last[s] <= value)) \
  && (granted[s] <= value || is(NOLIMIT)))

inline write(s, value) {
  granted[s] = value; if :: last[s] < value && !is(NORAISE) -> last[s] = value :: else fi
}
inline count(value) {
  assert(!(counted & bit(value)) /* UNIQUE */); assert(value > floor /* ORDER */);
  counted = counted | bit(value); highest = (value > highest -> value : highest)
}
inline arrive(c) {
  if :: counts(lateTo[c], lateValue[c], lateOwner[c]) -> write(lateTo[c], lateValue[c]) :: else fi;
  lateValue[c] = 0; lateOwner[c] = 0; lateTo[c] = 0
}
inline lapse(s) { lease[s] = 0; granted[s] = 0 }
inline grant(s) { last[s]++; lease[s] = ME; granted[s] = last[s] }
inline ask(s) {
  seen = seen | bit(s);
  if :: lease[s] == 0 -> grant(s); yes++; token = (last[s] > token -> last[s] : token) :: else -> no++ fi
}
inline writeBack(s) {
  seen = seen | bit(s); if :: counts(s, token, ME) -> write(s, token); yes++ :: else -> no++ fi
}
inline leave(s) { lateTo[_pid] = s; lateValue[_pid] = token; lateOwner[_pid] = ME }

active [2] proctype client() {
  byte round, floor, token, seen, yes, no;
again:
  atomic { floor = highest; token = 0; seen = 0; yes = 0; no = 0 };
  do                                                   /* asks */
  :: d_step { open(0) -> ask(0) }
  :: d_step { open(1) -> ask(1) }
  :: d_step { open(2) -> ask(2) }
  :: no == MAJORITY -> goto over                       /* others hold it */
  :: atomic { yes == MAJORITY -> break }
  od;
  atomic {
    if                                                 /* a server that was not waited for may grant, too */
    :: !(seen & bit(0)) && lease[0] == 0 -> grant(0)
    :: !(seen & bit(1)) && lease[1] == 0 -> grant(1)
    :: !(seen & bit(2)) && lease[2] == 0 -> grant(2)
    :: true
    fi;
    seen = 0; no = 0; yes = (is(ONEPHASE) -> MAJORITY : 0)
  };
  do                                                   /* writes back */
  :: d_step { open(0) -> writeBack(0) }
  :: d_step { open(1) -> writeBack(1) }
  :: d_step { open(2) -> writeBack(2) }
  :: atomic { yes == MAJORITY -> count(token); break }
  :: no == MAJORITY -> break                           /* its leases are gone */
  od;
over:
  atomic {
    if                                                 /* one write may still be on its way */
    :: token > 0 && !(seen & bit(0)) && lateValue[_pid] == 0 -> leave(0)
    :: token > 0 && !(seen & bit(1)) && lateValue[_pid] == 0 -> leave(1)
    :: token > 0 && !(seen & bit(2)) && lateValue[_pid] == 0 -> leave(2)
    :: true
    fi;
    token = 0; floor = 0; seen = 0; yes = 0; no = 0;
    round++; if :: round < ROUNDS -> goto again :: else fi
  }
}

active proctype world() {
end: do
  :: d_step { lateValue[0] > 0 -> arrive(0) }
  :: d_step { lateValue[1] > 0 -> arrive(1) }
  :: d_step { lease[0] > 0 -> lapse(0) }
  :: d_step { lease[1] > 0 -> lapse(1) }
  :: d_step { lease[2] > 0 -> lapse(2) }
  od
}
