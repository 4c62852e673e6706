import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Invocation, parseArguments } from './arguments.ts'
import { WrongUse } from './command.ts'
import { commands } from './commands.ts'
import { commandHelp } from './help.ts'

const canary = 'hunter2-canary'
const parse = (...words: string[]): Invocation => parseArguments(words, commands, '1.2.3')

const messageOf = (words: readonly string[]): string => {
  try {
    parse(...words)
  } catch (error) {
    if (error instanceof WrongUse) return error.message
    throw error
  }
  return assert.fail('nothing was refused')
}

/** What is written, and what the one line says. */
const wrong: readonly (readonly [words: readonly string[], line: RegExp])[] = [
  [[], /^the command must come first: write gatewright <command>/],
  [['--json', 'doctor'], /^the command must come first/],
  [['-v'], /^the command must come first/],
  [['docter'], /"docter": write gatewright doctor$/],
  [['users', 'list'], /"users list": write gatewright user list$/],
  [['user', 'crate', '--username', 'a'], /"user crate": write gatewright user create$/],
  [['user', 'frobnicate'], /write gatewright user create, user invite, user list, .* or user end-sessions$/],
  [['usr'], /"usr": write gatewright user --help$/],
  [['user'], /^user is not complete: write gatewright user create, user invite, user list/],
  [['user', '--json'], /^user is not complete/],
  [['frobnicate'], /"frobnicate": gatewright --help lists the commands$/],
  [['constructor'], /there is no command/],
  [['\u001b[2J'], /"\\u001b\[2J"/],
  [['user', 'create'], /^--username is missing: write --username <name>$/],
  [['user', 'create', '--usrname', canary], /"--usrname": write --username$/],
  [['user', 'create', '--frobnicate'], /"--frobnicate": gatewright user create --help lists them$/],
  [['user', 'create', '--constructor'], /has no option "--constructor"/],
  [['user', 'create', '-x'], /has no option "-x"/],
  [['user', 'create', '--no-json'], /has no option "--no-json"/],
  [['user', 'create', '--username'], /^--username needs a value: write --username <name>$/],
  [['user', 'create', '--username', '--role', 'admin'], /^--username needs a value/],
  [['user', 'create', '--username', 'a', '--username', 'b'], /^--username stands more than once/],
  [['user', 'create', '--username', 'a', '--json=yes'], /^--json takes no value: write --json$/],
  [['user', 'create', '--username', 'a', canary], /too many arguments/],
  [
    ['user', 'disable'],
    /^the username is missing: write gatewright user disable <username> \[--reason <text>\]$/,
  ],
  [
    ['user', 'disable', 'a', canary],
    /too many arguments: write gatewright user disable <username> \[--reason <text>\]$/,
  ],
  [['user', 'role', 'a'], /^the role is missing: write gatewright user role <username> <role>…$/],
  [['key', 'revoke', '-abc'], /has no option "-a": .*; before an argument that begins with "-" write --$/],
  [['invitation'], /^invitation is not complete: write gatewright invitation list or invitation revoke$/],
  [['invitation', 'revoke'], /^the id is missing: write gatewright invitation revoke <id>$/],
  [['invitation', 'revoke', 'a', canary], /too many arguments/],
  [['doctor', canary], /too many arguments: write gatewright doctor$/],
]

describe('wrong use is told in one line that says what to write:', () => {
  for (const [words, line] of wrong)
    test(JSON.stringify(words.join(' ')), () => {
      const message = messageOf(words)
      assert.match(message, line)
      assert.doesNotMatch(message, /\p{Cc}/u)
      assert.ok(!message.includes(canary))
    })
})

describe('a password as an argument is refused and not repeated:', () => {
  const user = ['user', 'create', '--username', 'alice']
  for (const words of [
    ['--password', canary],
    [`--password=${canary}`],
    ['--pass', canary],
    [`-p${canary}`],
    ['-p', canary, '--help'],
    [canary, '--password'],
  ])
    test(words.join(' '), () => {
      const message = messageOf([...user, ...words])
      assert.match(message, /is refused.*: write --password-stdin/)
      assert.ok(!message.includes(canary))
    })

  test('--password-stdin with a value', () => {
    for (const words of [[`--password-stdin=${canary}`], ['--password-stdin', canary]])
      assert.ok(!messageOf([...user, ...words]).includes(canary))
  })
})

const print = (text: string): Invocation => ({ kind: 'print', text })

describe('help', () => {
  for (const command of commands)
    test(`of ${command.name}, whatever else is missing`, () => {
      for (const word of ['--help', '-h'])
        assert.deepEqual(parse(...command.name.split(' '), word), print(commandHelp(command)))
    })

  test('of all commands, of a group, and the version', () => {
    const all = parse('--help')
    for (const { name } of commands) assert.ok(all.kind === 'print' && all.text.includes(`  ${name} `), name)
    const group = parse('user', '--help')
    assert.ok(group.kind === 'print' && group.text.includes('user role') && !group.text.includes('doctor'))
    assert.deepEqual(parse('--version'), print('1.2.3'))
  })
})

const inputOf = (...words: string[]) => {
  const invocation = parse(...words)
  return invocation.kind === 'run' ? invocation.input : assert.fail('help is not asked for')
}

test('options stand in any order, with "=" or a space, and what is not given is not there', () => {
  assert.deepEqual(
    inputOf('user', 'create', '--role=admin', '--json', '--username', 'alice', '--role', 'user'),
    {
      username: 'alice',
      role: ['admin', 'user'],
      email: undefined,
      'by-mail': false,
      'password-stdin': false,
    },
  )
})

test('arguments stand before, between and behind options, and behind "--"', () => {
  for (const words of [
    ['bob', 'user', 'moderator'],
    ['--json', 'bob', 'user', 'moderator'],
    ['bob', '--json', 'user', '--', 'moderator'],
  ])
    assert.deepEqual(inputOf('user', 'role', ...words), { username: 'bob', role: ['user', 'moderator'] })
})

test('a value that begins with "-" is taken where it is written with "="', () => {
  assert.equal(inputOf('user', 'create', '--username=-a').username, '-a')
})

describe('an id that begins with "-" is one, and no option', () => {
  const id = '-d7OMM7FfqMbUnS8u1-tmg'
  test('as an argument', () => {
    assert.equal(inputOf('invitation', 'revoke', id).id, id)
    assert.equal(inputOf('key', 'revoke', '--json', id).kid, id)
  })
  test('as the value of an option', () => {
    assert.equal(inputOf('explain', '--request', id, '--json').request, id)
    assert.equal(inputOf('explain', `--request=${id}`).request, id)
  })
  for (const word of [id.slice(0, -1), `${id}a`, `-${id.slice(0, -1)}`])
    test(`not in another form: ${word}`, () => {
      assert.match(messageOf(['invitation', 'revoke', word]), /has no option/)
      assert.match(messageOf(['explain', '--request', word]), /--request needs a value/)
    })
})
