import { parseSource, type Sources } from './sources.ts'

type Where = 'source' | 'tests' | 'everywhere'

type Rule = {
  readonly name: string
  /** What is looked at: the program without comments and texts, its comments, or the names that it imports. */
  readonly look: 'code' | 'comments' | 'imports'
  readonly pattern: RegExp
  readonly where: Where
  /** Files, and folders with a slash at the end, in which it may stand. */
  readonly only: readonly string[]
  readonly why: string
  readonly instead: string
}

const engine = 'packages/gatewright/src'
/** A program of its own, for services elsewhere: it has its own one place for each. */
const verifier = 'packages/verifier/src'

/** What may stand in few files only, or in none. A word that is made up at run time is not seen. */
const rules: readonly Rule[] = [
  {
    name: 'reading the time',
    look: 'code',
    pattern: /\bDate\s*\.\s*now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\s*\.\s*now\b|\bhrtime\b/g,
    where: 'source',
    only: [`${engine}/ground/clock.ts`, `${verifier}/clock.ts`, 'apps/console/src/clock.ts'],
    why: 'a test must be able to move every clock',
    instead: 'take a Clock as a dependency and call clock.now() or clock.monotonic()',
  },
  {
    name: 'making random values',
    look: 'code',
    pattern:
      /\b(randomBytes|randomFill|randomFillSync|randomInt|randomUUID|getRandomValues)\b|\bMath\s*\.\s*random\b/g,
    where: 'source',
    only: [`${engine}/ground/random.ts`, `${verifier}/random.ts`],
    why: 'one source of secrets can be audited, and a weak one can not slip in',
    instead: 'take a Random as a dependency and call newId(random) or newSecret(random)',
  },
  {
    name: 'reading the environment',
    look: 'code',
    pattern: /\bprocess\s*\.\s*env\b|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|\bimport\s*\{[^}]*\benv\b[^}]*\}/g,
    where: 'source',
    only: [`${engine}/ground/load-settings.ts`],
    why: 'a setting that is read elsewhere is neither checked nor shown',
    instead: 'add a row to the settings and take the value as an argument',
  },
  {
    name: 'importing jose',
    look: 'imports',
    pattern: /^jose(\/|$)/,
    where: 'source',
    only: [`${engine}/tokens/`, `${engine}/keys/`],
    why: 'signatures are made and checked in one place, under one set of rules',
    instead: 'call a function of tokens/ or keys/',
  },
  {
    name: 'importing node:crypto',
    look: 'imports',
    pattern: /^(node:)?crypto$/,
    where: 'source',
    only: [
      `${engine}/ground/`,
      `${engine}/tokens/`,
      `${engine}/keys/`,
      `${engine}/limits/memory-counters.ts`,
      `${engine}/http/certificate.ts`,
      `${engine}/upkeep/certificate-check.ts`,
      `${engine}/upkeep/certificate-rules.ts`,
      `${engine}/upkeep/served-certificate.ts`,
      `${engine}/users/derived-key-hash.ts`,
      `${engine}/testing/virtual-passkey.ts`,
      `${verifier}/algorithms.ts`,
      `${verifier}/cut-offs.ts`,
      `${verifier}/random.ts`,
    ],
    why: 'whoever hashes or encrypts chooses how, and few places are looked at for that',
    instead: 'call sha256 of ground/encoding.ts; in an application toMark of gatewright/entity-tags',
  },
  {
    name: 'the Web Crypto API',
    look: 'code',
    pattern: /\bcrypto\s*\.\s*subtle\b/g,
    where: 'source',
    only: [`${engine}/keys/signing-keys.ts`],
    why: 'it would be a second way to hash, beside the one that is looked at',
    instead: 'call sha256 of ground/encoding.ts; in an application toMark of gatewright/entity-tags',
  },
  {
    name: 'importing @simplewebauthn/server',
    look: 'imports',
    pattern: /^@simplewebauthn\/server/,
    where: 'source',
    only: [`${engine}/passkeys/verify-response.ts`],
    why: 'what is checked by hand beside the library is checked in one place',
    instead: 'call verifyRegistration or verifyAssertion of passkeys/verify-response.ts',
  },
  {
    name: 'importing @node-rs/argon2',
    look: 'imports',
    pattern: /^@node-rs\/argon2/,
    where: 'source',
    only: [`${engine}/users/`],
    why: 'hashing goes through one bounded queue',
    instead: 'call a function of users/',
  },
  {
    name: 'importing @node-rs/bcrypt',
    look: 'imports',
    pattern: /^@node-rs\/bcrypt/,
    where: 'source',
    only: [`${engine}/users/bcrypt-hash.ts`],
    why: 'hashing goes through one bounded queue, and bcrypt is only read',
    instead: 'call a function of users/',
  },
  {
    name: 'starting processes',
    look: 'imports',
    pattern: /^(node:)?child_process$/,
    where: 'source',
    only: [],
    why: 'a server that never starts a program can not be made to start the wrong one',
    instead: 'a library call; in tools/ and tests it is allowed',
  },
  {
    name: 'importing node:cluster',
    look: 'imports',
    pattern: /^(node:)?cluster$/,
    where: 'source',
    only: [`${engine}/workers/`, `${engine}/http/serve.ts`],
    why: 'it starts processes: this program itself, and nothing else',
    instead: 'the setting WORKERS',
  },
  {
    name: 'making code from text',
    look: 'code',
    pattern: /\beval\s*\(|\bFunction\s*\(/g,
    where: 'source',
    only: [],
    why: 'text from outside must never become code',
    instead: 'a table of functions',
  },
  {
    name: 'importing node:vm',
    look: 'imports',
    pattern: /^(node:)?vm$/,
    where: 'source',
    only: [],
    why: 'text from outside must never become code, and vm is no sandbox',
    instead: 'a table of functions',
  },
  {
    name: 'HTML from text',
    look: 'code',
    pattern:
      /\b(inner|outer)HTML\b|\binsertAdjacentHTML\b|\bdangerouslySetInnerHTML\b|\bdocument\s*\.\s*write/g,
    where: 'source',
    only: [],
    why: 'what somebody wrote would become part of the page',
    instead: 'textContent, or an element of React',
  },
  {
    name: 'imports that are not written as imports',
    look: 'code',
    pattern: /\bcreateRequire\b|\brequire\s*\(|\bgetBuiltinModule\b/g,
    where: 'source',
    only: [],
    why: 'the other rules see only what is imported in plain sight',
    instead: 'import … from, or import() with a written path',
  },
  {
    name: 'SQL made from text',
    look: 'code',
    pattern: /\bsql\s*\.\s*raw\b/g,
    where: 'source',
    only: [],
    why: 'a value in the text of a query is an injection',
    instead: 'the typed builder, or a sql template, which binds its values',
  },
  {
    name: 'a type that says nothing',
    look: 'code',
    pattern: /\bas any\b|[:<|&]\s*any\b(?!\s*[:(?=.])|,\s*any\s*>|\bany\[\]/g,
    where: 'everywhere',
    only: [],
    why: 'the compiler stops looking there, and everywhere that it leads',
    instead: 'unknown, and a parse from it',
  },
  {
    name: 'silencing the compiler',
    look: 'comments',
    pattern: /@ts-(ignore|expect-error|nocheck)|biome-ignore.*noExplicitAny/g,
    where: 'everywhere',
    only: [],
    why: 'it hides the next mistake on that line as well',
    instead: 'a type that is true',
  },
  {
    name: 'a test that leaves out the others',
    look: 'code',
    pattern: /\.only\s*\(|\bonly:\s*true\b/g,
    where: 'tests',
    only: [],
    why: 'the others would look passed',
    instead: 'nothing, and name it on the command line: node --test --test-name-pattern=…',
  },
  {
    name: 'a test skipped without a reason',
    look: 'code',
    pattern: /\b(test|it|describe|suite)\.(skip|todo)\b|\.(skip|todo)\(\s*\)|\b(skip|todo):\s*(true\b|!)/g,
    where: 'tests',
    only: [],
    why: 'nobody will know when it may run again',
    instead: "{ skip: missing && 'what is missing and how to get it' }",
  },
]

/** Every place where something stands that may not, as `file:line: what, why, and what to write instead`. */
export const findUnconfined = (sources: Sources): readonly string[] =>
  [...sources].flatMap(([path, text]) => {
    const held = rules.filter(rule => isAbout(rule.where, path) && !isAllowed(rule, path))
    if (held.length === 0) return []
    const source = parseSource(path, text)
    return held.flatMap(rule =>
      findLines(rule, source).map(
        line =>
          `${path}:${line}: ${rule.name} is not allowed here: ${rule.why}. Write instead: ${rule.instead}`,
      ),
    )
  })

const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path)

const isAbout = (where: Where, path: string): boolean => {
  if (where === 'everywhere') return true
  return where === 'tests' ? isTest(path) : /^(packages|apps)\/[^/]+\/src\//.test(path) && !isTest(path)
}

const isAllowed = ({ only }: Rule, path: string): boolean =>
  only.some(place => (place.endsWith('/') ? path.startsWith(place) : path === place))

const findLines = (
  { look, pattern }: Rule,
  { code, comments, imports }: ReturnType<typeof parseSource>,
): readonly number[] => {
  if (look === 'code')
    return [...code.matchAll(pattern)].map(({ index }) => code.slice(0, index).split('\n').length)
  if (look === 'comments')
    return comments.filter(({ text }) => text.search(pattern) >= 0).map(({ line }) => line)
  return imports.filter(({ specifier = '' }) => specifier.search(pattern) >= 0).map(({ line }) => line)
}
