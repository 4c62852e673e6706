import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { type Block, readBlocks } from './markdown.ts'

/** A block of commands, and the block right behind it, which says what they print. */
export type Step = { readonly block: Block; readonly after: Block | undefined }

export const readSteps = (markdown: string): readonly Step[] => {
  const blocks = readBlocks(markdown)
  return blocks.flatMap((block, at) => (block.language === 'sh' ? [{ block, after: blocks[at + 1] }] : []))
}

/** What is printed, as a page writes it: `…` is anything, and on a line of its own any lines. */
const toPattern = (expected: string): RegExp => {
  const patterns = expected
    .split('\n')
    .map(line => (line === '…' ? '(.*\n)*?' : `${line.split('…').map(RegExp.escape).join('.*')}\n`))
  return new RegExp(`^${patterns.join('')}$`)
}

export const assertPrinted = (printed: string, written: string, place: string): void => {
  const [actual, expected] = [printed.trim(), written.trim()]
  // Where they differ, the texts tell more than the pattern.
  if (!toPattern(expected).test(`${actual}\n`)) assert.equal(actual, expected, place)
}

const marker = '----- next block -----'

type Shell = { readonly folder: string; readonly env: NodeJS.ProcessEnv }

const runInOneShell = async (
  commands: readonly string[],
  { folder, env }: Shell,
): Promise<readonly string[]> => {
  const shell = spawn('sh', ['-s'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  shell.stdin.end(commands.map(command => `${command}\nprintf '\\n%s\\n' '${marker}'\n`).join(''))
  const printed = await text(shell.stdout)
  return printed.split(marker).slice(0, commands.length)
}

export type Tour = Shell & {
  readonly page: string
  readonly steps: readonly Step[]
  /** Texts of the page as they are on this machine, such as its address with another port. */
  readonly here: (text: string) => string
}

/** Pastes the blocks into one shell, and fails unless each prints what the page says behind it. */
export const takeTour = async ({ page, steps, here, ...shell }: Tour): Promise<void> => {
  const printed = await runInOneShell(
    steps.map(({ block }) => here(block.text)),
    shell,
  )
  assert.equal(printed.length, steps.length)
  for (const [at, { block, after }] of steps.entries()) {
    const place = `${page}, line ${after?.line ?? block.line}`
    if (after?.language === 'text') assertPrinted(printed[at] ?? '', here(after.text), place)
    else assert.equal(printed[at]?.trim(), '', place)
  }
}
