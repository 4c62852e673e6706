import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { Refusal } from '../ground/refusal.ts'
import { WrongUse } from './command.ts'

type StandardInput = NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>
type Streams = { readonly input: StandardInput; readonly questions: NodeJS.WritableStream }

/**
 * A new password: asked for twice on a terminal, without echo; else the one line of standard input, which
 * must have been asked for (`--password-stdin`), so that no command waits in silence for a pipe.
 *
 * @throws WrongUse where there is neither, or not one line; Refusal when the two answers differ
 */
export const readNewPassword = async (
  fromStandardInput: boolean,
  { input, questions }: Streams = { input: process.stdin, questions: process.stderr },
): Promise<string> => {
  if (input.isTTY) return askTwice({ input, questions })
  if (fromStandardInput) return readSecretLine(input, 'password')
  throw new WrongUse(
    'there is no terminal to ask for the password: write --password-stdin and give the password on standard input',
  )
}

/** More than any password may be long, by far. */
const mostBytes = 64 * 1_024

/**
 * The one line of standard input, which is a secret: it stands in no argument, where others could see it.
 * @param what the secret is called in what is told
 * @throws WrongUse where it is empty, too long, of several lines or not UTF-8
 */
export const readSecretLine = async (input: StandardInput, what: string): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > mostBytes) throw new WrongUse(`standard input is too long: give the ${what} alone`)
    chunks.push(bytes)
  }
  const text = decode(Buffer.concat(chunks), what).replace(/\r?\n$/, '')
  if (text === '') throw new WrongUse(`standard input is empty: give the ${what} on it`)
  if (/[\r\n]/.test(text)) throw new WrongUse(`standard input has more than one line: give the ${what} alone`)
  return text
}

/** Bytes that are no UTF-8 would become replacement characters, the same ones for different secrets. */
const decode = (bytes: Buffer, what: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new WrongUse(`standard input is not UTF-8: give the ${what} in UTF-8`)
  }
}

/** Readline echoes what is typed to its output, so its output is nowhere. */
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

const askTwice = async ({ input, questions }: Streams): Promise<string> => {
  const lines = createInterface({ input, output: nowhere(), terminal: true, historySize: 0 })
  const answers = lines[Symbol.asyncIterator]()
  const ask = async (question: string): Promise<string> => {
    questions.write(question)
    const { value, done } = await answers.next()
    questions.write('\n')
    // Ctrl-C and Ctrl-D end the lines.
    if (done) throw new Refusal('validation_failed', { detail: 'No password was given.' })
    return value
  }
  try {
    const password = await ask('Password: ')
    if (password === (await ask('The same again: '))) return password
    throw new Refusal('validation_failed', { detail: 'The two passwords differ.' })
  } finally {
    lines.close()
  }
}
