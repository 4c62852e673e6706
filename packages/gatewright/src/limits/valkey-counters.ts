import { mostApart } from '../ground/clock.ts'
import type { ValkeyScripts } from '../storage/valkey.ts'
import type { Charge, CounterStore } from './counter-store.ts'
import { toMicroseconds } from './gcra.ts'

/**
 * Numbers of a script are doubles, which hold microseconds of the next centuries exactly, but are written with
 * 14 digits where nobody says otherwise. Keys live a minute longer than they matter: clocks may differ. Values are
 * now, and then two of each key, of which the second is how far it may be ahead: beyond that it counts as none.
 */
const common = `
local now = tonumber(ARGV[1])
local function read(i)
  local tat = tonumber(redis.call('GET', KEYS[i]) or '0')
  local furthest = now + tonumber(ARGV[2 * i + 1]) + ${toMicroseconds(mostApart)}
  return tat > furthest and 0 or tat
end
local function write(key, tat)
  local text = string.format('%.0f', tat)
  if tat > now then redis.call('SET', key, text, 'PX', math.ceil((tat - now) / 1000) + 60000) end
  return text
end
`

/** The first value of each key is its step. Gives 1 or 0, then where each key stands. */
const takeScript = `${common}
local answer = { 1 }
for i, key in ipairs(KEYS) do
  local tat = read(i)
  local ahead = math.max(0, tat - now)
  if ahead + tonumber(ARGV[2 * i]) > tonumber(ARGV[2 * i + 1]) then answer[1] = 0 end
  answer[i + 1] = tat
end
for i, key in ipairs(KEYS) do
  local tat = answer[i + 1]
  if answer[1] == 1 then tat = math.max(tat, now) + tonumber(ARGV[2 * i]) end
  answer[i + 1] = answer[1] == 1 and write(key, tat) or string.format('%.0f', tat)
end
return answer
`

/** The first value of each key is its amount, which may be below 0. Gives where each key stands. */
const addScript = `${common}
local answer = {}
for i, key in ipairs(KEYS) do
  answer[i] = write(key, math.max(read(i), now) + tonumber(ARGV[2 * i]))
end
return answer
`

/** The first value of each key is its step. One whose time has passed has nothing to give back. */
const giveBackScript = `${common}
for i, key in ipairs(KEYS) do
  local tat = read(i)
  if tat > now then
    local left = tat - tonumber(ARGV[2 * i])
    if left > now then write(key, left) else redis.call('DEL', key) end
  end
end
return 0
`

export const limitScripts: readonly string[] = [takeScript, addScript, giveBackScript]

const toNumbers = (answer: unknown): readonly number[] => {
  const numbers = Array.isArray(answer) ? answer.map(Number) : []
  if (numbers.length === 0 || !numbers.every(Number.isSafeInteger))
    throw new Error('Valkey gave something else than counters')
  return numbers
}

/**
 * Counters in Valkey or Redis: one script each, which the server runs alone. All keys of an installation have
 * one hash tag, so that they lie together.
 * @param epoch the id of the database
 */
export const createValkeyCounters = ({ run }: Pick<ValkeyScripts, 'run'>, epoch: string): CounterStore => {
  const toKeys = (counters: readonly { readonly key: string }[]): readonly string[] =>
    counters.map(({ key }) => `gatewright:{${epoch}}:limit:${key}`)
  return {
    take: async (charges: readonly Charge[], now) => {
      const values = [now, ...charges.flatMap(({ step, capacity }) => [step, capacity])].map(String)
      const [allowed, ...tats] = toNumbers(await run(takeScript, toKeys(charges), values))
      return { allowed: allowed === 1, tats }
    },
    giveBack: async (charges, now) => {
      const values = [now, ...charges.flatMap(({ step, capacity }) => [step, capacity])].map(String)
      await run(giveBackScript, toKeys(charges), values)
    },
    add: async (sums, since) => {
      const values = [since, ...sums.flatMap(({ amount, capacity }) => [amount, capacity])].map(String)
      return toNumbers(await run(addScript, toKeys(sums), values))
    },
  }
}
