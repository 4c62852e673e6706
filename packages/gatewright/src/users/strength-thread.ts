import { parentPort, type Worker, workerData } from 'node:worker_threads'
import { startThread } from '../ground/start-thread.ts'
import { type Strength, strengthLength } from './strength.ts'

/** What a thread is asked: a password, and words that its user and service are known by. */
export type StrengthQuestion = { readonly password: string; readonly words: readonly string[] }

/** Marks the thread that was started for this; nobody else's thread answers. */
const mark = 'gatewright password strength'

/** Variants of "p4ssw0rd" that are tried. The library's own 100 take a second for 64 such characters. */
const mostSubstitutions = 10

/**
 * Starts a thread that measures passwords. The dictionaries (150,000 words) are its memory and go with it; while it
 * works, the event loop of the server goes on. It keeps no process alive.
 */
export const startStrengthThread = (): Worker =>
  startThread(import.meta.url, {
    mark,
    name: 'password-strength',
    resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 },
  })

const openMeter = async (): Promise<(question: StrengthQuestion) => Strength> => {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ])
  const meter = new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
    maxLength: 2 * strengthLength,
    l33tMaxSubstitutions: mostSubstitutions,
  })
  const check = (text: string, words: readonly string[]): Strength => {
    const { score, feedback } = meter.check(text, [...words])
    return { score, warning: feedback.warning, suggestions: feedback.suggestions }
  }
  return ({ password, words }) => {
    const text = [...password].slice(0, strengthLength).join('')
    const single = withoutRepeats(text)
    const [whole, less] = [check(text, words), single === text ? undefined : check(single, words)]
    return less !== undefined && less.score < whole.score ? less : whole
  }
}

/** The library takes "password password" for three words. A word that comes again makes nothing harder to guess. */
const withoutRepeats = (text: string): string => {
  const parts = text.split(/[\s\p{P}]+/u)
  const words = new Map(parts.toReversed().map(part => [part.toLowerCase(), part]))
  return words.size === parts.length ? text : [...words.values()].join(' ')
}

const answerQuestions = async (port: NonNullable<typeof parentPort>): Promise<void> => {
  const measure = await openMeter()
  port.on('message', (question: StrengthQuestion) => port.postMessage(measure(question)))
}

if (workerData === mark && parentPort !== null) void answerQuestions(parentPort)
