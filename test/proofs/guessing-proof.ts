import { day } from '../../packages/gatewright/src/ground/clock.ts'
import {
  mostOfAddress,
  mostOfUser,
  playOneUser,
  playSpraying,
  playStuffing,
  type Sums,
} from '../attacks/played-attacks.ts'
import { startTestApp } from '../harness.ts'
import type { Chain } from './chain.ts'
import { check, type Tally } from './tally.ts'

const note = (tally: Tally, what: string, { sent, hashed, ofOneUser, ofOneAddress }: Sums): void => {
  tally.answered += sent
  check(tally, ofOneUser <= mostOfUser, `${what}: ${ofOneUser} of one user in an hour`)
  check(tally, ofOneAddress <= mostOfAddress, `${what}: ${ofOneAddress} of one address in an hour`)
  tally.notes.push(
    `${what}: ${sent} sent, ${hashed} hashed; in an hour at most ${ofOneUser} of one user, ${ofOneAddress} of one address`,
  )
}

/** Plays the attacks in full: so many guesses at one user, after the others. */
export const proveGuessing = async ({ owner, runs, tally }: Chain): Promise<void> => {
  const t = await startTestApp({ limitsScale: 1 })
  owner.after(() => t.close())
  note(tally, 'stuffing, 30 users, 300 addresses', await playStuffing(t, 12))
  t.clock.advance(day)
  note(tally, 'spraying, 200 users, one address', await playSpraying(t, 1))
  t.clock.advance(day)
  note(tally, 'spraying, 200 users, 200 addresses', await playSpraying(t, 200))
  t.clock.advance(day)
  const { signedIn, ...sums } = await playOneUser(t, runs)
  note(tally, `one user, 300 addresses, who signed in ${signedIn} times meanwhile`, sums)
  tally.runs += runs
}
