import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'

/**
 * Sends GETs on a schedule, whatever the server does, each as another caller; a time counts from the moment
 * that the schedule says, so that a server which stands still can't hide it. Prints the times.
 *
 * The first second is not counted: there this program itself is still being compiled, and opens its connections.
 *
 * Arguments: the address, the file of callers, how many a second, how many seconds.
 */
const [url = '', file = '', perSecond = 200, seconds = 5] = process.argv.slice(2)
const callers = readFileSync(file, 'utf8').trimEnd().split('\n')
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const warmUp = Number(perSecond)
const total = warmUp + Math.floor(Number(perSecond) * Number(seconds))
const begun = performance.now() + 50
const times: number[] = []
let answered = 0
let refused = 0

const send = (number: number, due: number): void => {
  const [name = '', value = ''] = (callers[number % callers.length] ?? '').split(': ')
  const end = (isGood: boolean): void => {
    answered += 1
    if (number >= warmUp) times.push(performance.now() - due)
    if (!isGood) refused += 1
    if (answered === total) report()
  }
  get(url, { agent, headers: { [name]: value }, timeout: 20_000 }, answer => {
    answer.resume().once('end', () => end(answer.statusCode === 200))
  })
    .on('timeout', function (this: ReturnType<typeof get>) {
      this.destroy(new Error('no answer'))
    })
    .on('error', () => end(false))
}

const report = (): void => {
  times.sort((a, b) => a - b)
  const at = (part: number): number =>
    times[Math.min(times.length - 1, Math.floor(part * times.length))] ?? Number.NaN
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), max: at(1), refused }))
  agent.destroy()
}

let sent = 0
const tick = (): void => {
  for (const now = performance.now(); sent < total; sent += 1) {
    const due = begun + (sent * 1_000) / Number(perSecond)
    if (due > now) break
    send(sent, due)
  }
  if (sent < total) setTimeout(tick, 1)
}
tick()
