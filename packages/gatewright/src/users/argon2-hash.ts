import * as argon2 from '@node-rs/argon2'
import type { Random } from '../ground/random.ts'
import type { HashFormat } from './hash-format.ts'
import type { Password } from './password.ts'

/** Today's parameters and the most that a stored hash may ask for; `m` in KiB. */
const parameters = {
  m: { today: 19_456, most: 262_144 },
  t: { today: 2, most: 16 },
  p: { today: 1, most: 4 },
} as const

type ParameterName = keyof typeof parameters
type Costs = Readonly<Record<ParameterName, number>>

const parameterNames = Object.keys(parameters) as ParameterName[]

const today: argon2.Options = {
  memoryCost: parameters.m.today,
  timeCost: parameters.t.today,
  parallelism: parameters.p.today,
}

const saltBytes = 16
const outputBytes = 32

/** A hash as all are made today, computed here and now: for a thread of its own. */
export const hashWithArgon2 = (password: Password, salt: Uint8Array): string =>
  argon2.hashSync(password, { ...today, outputLen: outputBytes, salt })

export const newSalt = (random: Random): Uint8Array => random.bytes(saltBytes)

/** Of the same shape and cost as a real hash, and of no password: its output is random. */
export const dummyHash = (random: Random): string =>
  toText(
    { m: parameters.m.today, t: parameters.t.today, p: parameters.p.today },
    toBase64(newSalt(random)),
    toBase64(random.bytes(outputBytes)),
  )

const toText = ({ m, t, p }: Costs, salt: string, output: string): string =>
  `$argon2id$v=19$m=${m},t=${t},p=${p}$${salt}$${output}`

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

const phc = /^\$argon2id\$v=19\$([mtp=,\d]{1,40})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** A PHC string of Argon2id (RFC 9106), of this program or another one. */
export const argon2Format: HashFormat = {
  name: 'Argon2id',
  read: stored => {
    const [, list = '', salt = '', output = ''] = phc.exec(stored) ?? []
    const costs = parseCosts(list)
    if (costs === undefined || !isBase64(salt) || !isBase64(output)) return undefined
    // In the one spelling that the library surely reads.
    const text = toText(costs, salt, output)
    const isWeaker = parameterNames.some(name => costs[name] < parameters[name].today)
    return { verify: password => argon2.verifySync(text, password), needsRehash: () => isWeaker }
  },
}

const parseCosts = (list: string): Costs | undefined => {
  const given = list.split(',').map(part => /^([mtp])=([1-9]\d{0,6})$/.exec(part))
  const find = (name: ParameterName): number => Number(given.find(part => part?.[1] === name)?.[2] ?? 0)
  const costs = { m: find('m'), t: find('t'), p: find('p') }
  const bounded = parameterNames.every(name => costs[name] >= 1 && costs[name] <= parameters[name].most)
  // RFC 9106 §3.1: at least 8 KiB a lane.
  return given.length === parameterNames.length && bounded && costs.m >= 8 * costs.p ? costs : undefined
}

const isBase64 = (text: string): boolean => toBase64(Buffer.from(text, 'base64')) === text
