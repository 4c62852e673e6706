import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { commands } from './commands.ts'
import { commandHelp, program, programHelp, toUsage } from './help.ts'

const page = new URL('../../../../docs/command-line.md', import.meta.url)

/** The page with what `--help` prints in its blocks: the first one, and the one under each command. */
const withHelp = (text: string): string =>
  commands.reduce(
    (page, command) =>
      page.replace(
        new RegExp(`(\n## ${program} ${command.name}\n\n\`\`\`text\n)[^\`]*(?=\`\`\`)`),
        (_, start) => `${start}${commandHelp(command)}\n`,
      ),
    text.replace(/(```text\n)[^`]*(?=```)/, (_, start) => `${start}${programHelp(commands)}\n`),
  )

test('docs/command-line.md says what --help says (UPDATE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8')
  const updated = withHelp(text)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, updated)
  else assert.equal(text, updated, 'run UPDATE_DOCS=1 node --test packages/gatewright/src/cli/help.test.ts')
  assert.ok(updated.includes(`\`\`\`text\n${programHelp(commands)}\n\`\`\``), 'the first block is gone')
})

for (const command of commands)
  test(`docs/command-line.md has a section for ${command.name}, with its help and an example`, () => {
    const text = withHelp(readFileSync(page, 'utf8'))
    const [, section = ''] = text.split(`\n## ${program} ${command.name}\n`)
    const [own = ''] = section.split('\n## ')
    assert.ok(own.includes(`\`\`\`text\n${commandHelp(command)}\n\`\`\``), 'its help is missing')
    assert.match(own, new RegExp(`\n\\$ ${program} ${command.name}`), 'its example is missing')
  })

test('the usage of every command names its arguments before its options, and marks what may be left out', () => {
  const usages = commands.map(toUsage)
  assert.ok(usages.includes('gatewright user role <username> <role>…'))
  assert.ok(
    usages.includes(
      'gatewright user create --username <name> [--role <role>]… [--email <address>] [--by-mail] [--password-stdin]',
    ),
  )
})

test('no name, summary or example is given twice', () => {
  for (const part of ['name', 'summary', 'example'] as const) {
    const texts = commands.map(command => command[part])
    assert.deepEqual(texts, [...new Set(texts)])
  }
})
