import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { until } from '../process/until.ts'
import type { FoundProgram } from './debian-program.ts'

/** A server of somebody else's, on loopback. */
export type RunningProgram = { readonly pid: number; readonly stop: () => Promise<void> }

const isListening = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

/** Nobody: PgBouncer does not run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

type Start = {
  readonly args: readonly string[]
  readonly port: number
  /** SIGTERM for a program that has processes of its own, which it must end. */
  readonly endBy?: 'SIGKILL' | 'SIGTERM'
  /** Where what root may do is what is tested. */
  readonly asRoot?: boolean
}

/** Starts it and waits until the port takes connections. */
export const startListening = async (
  { path, env }: FoundProgram,
  { args, port, endBy = 'SIGKILL', asRoot = false }: Start,
): Promise<RunningProgram> => {
  const child = spawn(path, args, {
    env: { ...env, PATH: process.env.PATH ?? '' },
    stdio: 'ignore',
    ...(!asRoot && nobody),
  })
  const kill = (): void => void child.kill(endBy)
  process.once('exit', kill)
  await until(`${path} listens`, async () => {
    if (child.exitCode !== null) throw new Error(`${path} ended with ${child.exitCode}`)
    return isListening(port)
  })
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      process.off('exit', kill)
      await end(child, endBy)
    },
  }
}
