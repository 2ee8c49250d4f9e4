/* The fencing token of a quorum: three independent servers, two clients, two rounds each.
 *
 * A round asks servers for a token (each gives its last + 1), takes the largest of a majority, and writes it back as
 * (value, writer); it counts once a majority has accepted it. Servers are asked in any order; what was not waited for
 * arrives later or never. Leases lapse at any time, so every server grants to everybody.
 *
 * Promised: UNIQUE no token counts twice - ORDER a round that begins after a token counted gets a larger one. */
#define ONEPHASE 1 /* the largest of a majority counts without being written back */
#define NOTIE    2 /* a server accepts a value equal to its last from anybody */
#define OWNTIE   3 /* ... from whoever holds its lease */
#ifndef MUTANT
#define MUTANT 0
#endif
#define is(mutant) (MUTANT == mutant)

#define SERVERS 3
#define MAJORITY 2
#define ROUNDS 2
#define ME (1 + _pid * ROUNDS + round)                 /* a writer is a run: new in each round */

byte last[SERVERS], by[SERVERS], lease[SERVERS];       /* a server: its largest token, who wrote it, the lease's owner */
byte lateValue[2], lateWriter[2], lateTo[2];           /* a write that its client no longer waits for */
byte highest; int counted;                             /* the largest token that counted; all of them, as bits */

#define bit(s) (1 << s)
#define accepts(s, value, writer) \
  (last[s] < value || (last[s] == value && (by[s] == writer || is(NOTIE) || (is(OWNTIE) && lease[s] == writer))))

inline write(s, value, writer) { last[s] = value; by[s] = writer }

inline count(value) {
  assert(!(counted & bit(value)) /* UNIQUE */); assert(value > floor /* ORDER */);
  counted = counted | bit(value); highest = (value > highest -> value : highest)
}

inline arrive(c) {
  if :: accepts(lateTo[c], lateValue[c], lateWriter[c]) -> write(lateTo[c], lateValue[c], lateWriter[c]) :: else fi;
  lateValue[c] = 0; lateWriter[c] = 0; lateTo[c] = 0
}
inline ask(s) {
  seen = seen | bit(s); yes++; lease[s] = is(OWNTIE) * ME; /* else of no interest */
  write(s, last[s] + 1, ME); token = (last[s] > token -> last[s] : token)
}
inline writeBack(s) {
  seen = seen | bit(s); if :: accepts(s, token, ME) -> write(s, token, ME); yes++ :: else -> no++ fi
}
inline leave(s) { lateTo[_pid] = s; lateValue[_pid] = token; lateWriter[_pid] = ME }

active [2] proctype client() {
  byte round, floor, token, seen, yes, no;
again:
  atomic { floor = highest; token = 0; seen = 0; yes = 0; no = 0 };
  do                                                   /* asks */
  :: d_step { !(seen & bit(0)) -> ask(0) }
  :: d_step { !(seen & bit(1)) -> ask(1) }
  :: d_step { !(seen & bit(2)) -> ask(2) }
  :: atomic { yes >= MAJORITY -> seen = 0; yes = (is(ONEPHASE) -> MAJORITY : 0); break }
  od;
  do                                                   /* writes back */
  :: d_step { yes < MAJORITY && no < MAJORITY && !(seen & bit(0)) -> writeBack(0) }
  :: d_step { yes < MAJORITY && no < MAJORITY && !(seen & bit(1)) -> writeBack(1) }
  :: d_step { yes < MAJORITY && no < MAJORITY && !(seen & bit(2)) -> writeBack(2) }
  :: atomic { yes == MAJORITY -> count(token); break }
  :: no == MAJORITY -> break                           /* another one was faster */
  od;
  atomic {
    if                                                 /* one write may still be on its way */
    :: !(seen & bit(0)) && lateValue[_pid] == 0 -> leave(0)
    :: !(seen & bit(1)) && lateValue[_pid] == 0 -> leave(1)
    :: !(seen & bit(2)) && lateValue[_pid] == 0 -> leave(2)
    :: true
    fi;
    round++; if :: round < ROUNDS -> goto again :: else fi
  }
  d_step { token = 0; floor = 0; seen = 0; yes = 0; no = 0 }
}

active proctype network() {
end: do
  :: d_step { lateValue[0] > 0 -> arrive(0) }
  :: d_step { lateValue[1] > 0 -> arrive(1) }
  od
}
