import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { basename } from 'node:path'
import { parentPort, type Worker, workerData } from 'node:worker_threads'
import { startThread } from '../ground/start-thread.ts'
import { hashWithArgon2 } from './argon2-hash.ts'
import { readHash } from './hash-formats.ts'
import type { Password } from './password.ts'

/** What a thread is asked: to hash a password with this salt, or whether it is the one of a hash that can be read. */
export type HashingTask =
  | { readonly password: Password; readonly salt: Uint8Array }
  | { readonly password: Password; readonly stored: string }

/** The hash, or whether it is the one. What stands in an error could be a part of the password: it stays there. */
export type HashingAnswer = { readonly value: string | boolean } | { readonly failed: true }

/** Marks the thread that was started for this; nobody else's thread answers. */
const mark = 'gatewright password hashing'

/** Starts a thread that hashes, one task after the other in the order of asking. */
export const startHashingThread = (): Worker =>
  startThread(import.meta.url, {
    mark,
    name: 'password-hashing',
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  })

/** Where there is too little processor for all, whoever waits for an answer goes before whoever signs in. */
const niceness = 10

/** Linux counts the niceness of threads by themselves, by the numbers that processes have. */
const giveWay = (): void => {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness)
  } catch {
    // Another system, or one that forbids it: then all threads are equal.
  }
}

const run = (task: HashingTask): string | boolean =>
  'salt' in task
    ? hashWithArgon2(task.password, task.salt)
    : (readHash(task.stored)?.verify(task.password) ?? false)

const answerTasks = (port: NonNullable<typeof parentPort>): void => {
  giveWay()
  const answer = (task: HashingTask): HashingAnswer => {
    try {
      return { value: run(task) }
    } catch {
      return { failed: true }
    }
  }
  port.on('message', (task: HashingTask) => port.postMessage(answer(task)))
}

if (workerData === mark && parentPort !== null) answerTasks(parentPort)
