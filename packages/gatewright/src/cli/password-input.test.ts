import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { Refusal } from '../ground/refusal.ts'
import { WrongUse } from './command.ts'
import { readNewPassword } from './password-input.ts'

const password = 'correct horse battery stäple'

const pipe = (...chunks: (string | Buffer)[]): PassThrough => {
  const input = new PassThrough()
  for (const chunk of chunks) input.write(chunk)
  input.end()
  return input
}

/** A terminal, as far as readline knows: answers come when they are asked for. */
const terminal = (...answers: readonly string[]) => {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => void modes.push(on),
  })
  const questions = new PassThrough()
  const rest = [...answers]
  const shown: string[] = []
  questions.on('data', chunk => {
    shown.push(String(chunk))
    if (/: $/.test(String(chunk))) input.write(rest.shift() ?? '\u0004')
  })
  return { streams: { input, questions }, shown: () => shown.join(''), modes }
}

describe('from standard input', () => {
  const read = (...chunks: (string | Buffer)[]): Promise<string> =>
    readNewPassword(true, { input: pipe(...chunks), questions: new PassThrough() })

  const wrong: Readonly<Record<string, readonly [RegExp, ...(string | Buffer)[]]>> = {
    nothing: [/is empty/],
    'a line end alone': [/is empty/, '\n'],
    'two lines': [/more than one line/, `${password}\n${password}\n`],
    'a carriage return inside': [/more than one line/, 'a\rb'],
    'what is no UTF-8': [/not UTF-8/, Buffer.from([0x61, 0xff, 0x62])],
    'a character that is cut off': [/not UTF-8/, Buffer.from('ä').subarray(0, 1)],
    'a file far too long': [/too long/, Buffer.alloc(100_000, 'a')],
  }
  for (const [name, [line, ...chunks]] of Object.entries(wrong))
    test(`${name} is wrong use`, () =>
      assert.rejects(read(...chunks), error => error instanceof WrongUse && line.test(error.message)))

  test('is not waited for where it was not asked for', () =>
    assert.rejects(
      readNewPassword(false, { input: new PassThrough(), questions: new PassThrough() }),
      error => error instanceof WrongUse && /--password-stdin/.test(error.message),
    ))

  test('one line is the password, without its end and with its spaces', async () => {
    for (const end of ['', '\n', '\r\n']) assert.equal(await read(password + end), password)
    assert.equal(await read('  a  \n'), '  a  ')
    assert.equal(
      await read(Buffer.from(password).subarray(0, 25), Buffer.from(password).subarray(25)),
      password,
    )
  })
})

describe('on a terminal', () => {
  const refuses = async (line: RegExp, ...answers: readonly string[]): Promise<void> => {
    const { streams, modes } = terminal(...answers)
    const isThat = (error: unknown) => error instanceof Refusal && line.test(error.message)
    await assert.rejects(readNewPassword(false, streams), isThat)
    assert.equal(modes.at(-1), false, 'the terminal is left without echo')
  }

  test('two answers that differ are refused', () => refuses(/differ/, `${password}\r`, `${password}x\r`))
  test('Ctrl-C ends it', () => refuses(/No password/, 'abc\u0003'))
  test('Ctrl-D ends it', () => refuses(/No password/))

  test('it is asked twice, nothing typed is shown, and what is corrected is not part of it', async () => {
    const { streams, shown, modes } = terminal(`x\u007f${password}\r`, `${password}\r`)
    assert.equal(await readNewPassword(false, streams), password)
    assert.equal(shown(), 'Password: \nThe same again: \n')
    assert.deepEqual(modes, [true, false])
  })

  test('both lines pasted at once are two answers', async () => {
    const { streams } = terminal(`${password}\r${password}\r`, '')
    assert.equal(await readNewPassword(true, streams), password)
  })
})
