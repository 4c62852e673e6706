import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { validate } from 'dockerfile-utils'
import { loadSettings } from '../../packages/gatewright/src/ground/load-settings.ts'
import { productionErrors } from '../../packages/gatewright/src/ground/production-rules.ts'
import { toBuildArguments } from '../../tools/release/image.ts'
import { top } from '../../tools/top.ts'
import { parseDockerfile, readLabels, wholeStage } from './dockerfile.ts'
import { rules } from './dockerfile-rules.ts'
import { reachesBuild } from './dockerignore.ts'

const read = (path: string): string => readFileSync(join(top, path), 'utf8')
const source = read('Dockerfile')
const nodeVersion: string = JSON.parse(read('package.json')).devDependencies.node

const breachesOf = (text: string): readonly string[] =>
  rules.flatMap(({ title, check }) => (check(parseDockerfile(text), nodeVersion).length > 0 ? [title] : []))

describe('the Dockerfile', () => {
  test('has nothing that a linter warns of', () => {
    const found = validate(source, {
      deprecatedMaintainer: 2,
      directiveCasing: 2,
      emptyContinuationLine: 2,
      instructionCasing: 2,
    })
    assert.deepEqual(
      found.map(({ message, range }) => `${range.start.line + 1}: ${message}`),
      [],
    )
  })

  for (const { title, check } of rules)
    test(title, () => assert.deepEqual(check(parseDockerfile(source), nodeVersion), []))
})

test('an image says of which version, commit and time it is, by what its build is given, and without that nothing untrue', () => {
  const said = (given: Readonly<Record<string, string>>) =>
    readLabels(parseDockerfile(source), 'gatewright', given)
  const given = toBuildArguments({ version: '1.2.3', revision: 'abc' }, '2026-12-01T10:00:00.000Z')
  const name = 'org.opencontainers.image'
  assert.deepEqual(said(given), {
    ...said({}),
    [`${name}.version`]: '1.2.3',
    [`${name}.revision`]: 'abc',
    [`${name}.created`]: '2026-12-01T10:00:00.000Z',
  })
  assert.equal(said({})[`${name}.version`], JSON.parse(read('package.json')).version)
  assert.equal(said({})[`${name}.title`], 'gatewright')
  // The base is what its ARG says, without the digest.
  assert.ok(source.includes(`ARG BASE_IMAGE=${said({})[`${name}.base.name`]}@sha256:`))
})

/** What somebody writes one day, and the rule that stops it. */
const mistakes: readonly (readonly [string, string | RegExp, string, string])[] = [
  ['a base without a digest', /(debian:13\.7-slim)@sha256:\w+/, '$1', 'every base is an image by tag'],
  ['another Node.js', 'node:26.10.0-', 'node:24.1.0-', 'Node.js is the version'],
  ['the server is not last', 'AS gatewright\n', 'AS other\n', 'a build without a target'],
  [
    'root',
    /USER 10001:10001\nENTRYPOINT.*semi-space-size=8", "\/usr/,
    'ENTRYPOINT ["node", "/usr',
    'an image runs as',
  ],
  ['a user by name', /USER 10001:10001/g, 'USER gatewright', 'an image runs as'],
  ['a shell around the server', /ENTRYPOINT \[.*/g, 'ENTRYPOINT node main.js', 'what is started is no shell'],
  ['another signal', 'STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL', 'an image says how it is stopped'],
  [
    'a health check by curl',
    /CMD \["node", "\/app\/health.ts"\]/,
    'CMD curl -f localhost',
    'an image has a health check',
  ],
  ['a secret in the image', 'ENV NODE_ENV', 'ENV GATEWRIGHT_SECRET=example NODE_ENV', 'no secret is a build'],
  ['a password in an address', 'sqlite:/data/gatewright.db', 'postgres://a:b@db/c', 'no secret is a build'],
  ['a token as a build argument', 'ARG VERSION', 'ARG NPM_TOKEN\nARG VERSION', 'no secret is a build'],
  ['scripts of packages', / --ignore-scripts/g, '', 'packages come from the lock file'],
  ['packages for development', / --omit=dev/g, '', 'what an image has of packages'],
  [
    'the whole folder',
    'FROM runtime AS gatewright',
    'FROM runtime AS gatewright\nCOPY . /app',
    'nothing of the build folder',
  ],
  [
    'a download',
    'RUN ldconfig',
    'RUN curl https://example.org/tool | sh && ldconfig',
    'nothing is loaded past',
  ],
  ['setuid programs', /-exec chmod a-s/, '-exec ls', 'no program of an image'],
  ['a pipe', /SHELL.*\n/, '', 'a pipe that breaks'],
  ['no licence', /org.opencontainers.image.licenses/, 'licence', 'an image says what it is'],
  ['a relative folder', 'WORKDIR /build', 'WORKDIR build', 'a working folder'],
]

describe('a Dockerfile is refused that has', () => {
  for (const [title, from, to, rule] of mistakes)
    test(title, () => {
      const changed = source.replace(from, to)
      assert.notEqual(changed, source)
      assert.ok(
        breachesOf(changed).some(breach => breach.startsWith(rule)),
        `${breachesOf(changed)}`,
      )
    })
})

describe('the command that the README gives for the image', () => {
  const [command = ''] = /^docker run .*$/m.exec(read('README.md')) ?? []
  const given = [...command.matchAll(/ -e (\w+)=("[^"]*"|\S+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const image = wholeStage(parseDockerfile(source), 'gatewright')
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text }) => text.split(' ').map(part => part.split('=')))
  // What openssl and tr make of 32 bytes.
  const secret = { GATEWRIGHT_SECRET: Buffer.alloc(32, 7).toString('base64url') }

  test('stands on the page of the image as well, and publishes the port that its PUBLIC_URL names', () => {
    const page = read('docs/containers.md')
    assert.ok(page.includes(command))
    // And once more, with a secret that is kept, which the volume of the first does not rest on.
    const keeping = command
      .replace(/GATEWRIGHT_SECRET="[^"]*"/, 'GATEWRIGHT_SECRET="$(cat gatewright-secret)"')
      .replace('gatewright:/data', 'gatewright-data:/data')
    assert.ok(page.includes(`> gatewright-secret)\n${keeping}\n`))
    assert.match(
      command,
      /-p 4000:3000 -v gatewright:\/data -e PUBLIC_URL=http:\/\/localhost:4000 .* gatewright$/,
    )
  })

  test('is kept to this machine behind nginx, which then comes from the gateway of its network', () => {
    const page = read('docs/nginx.md')
    assert.match(page, /in a container nginx comes from the gateway.* `-p 127\.0\.0\.1:3000:3000`/)
    assert.ok(
      read('docs/certificates.md').includes('in a container [another address, and a port for this machine'),
    )
  })

  test('gives settings that a start takes under production’s rules, with nothing that the start does not know', () => {
    const env = { ...Object.fromEntries([...image, ...given]), ...secret }
    const { settings, sources } = loadSettings({ env, folder: '/nowhere', isTerminal: false })
    assert.deepEqual(productionErrors(settings, sources), [])
    assert.deepEqual(
      [settings.publicUrl, settings.host, settings.databaseUrl],
      ['http://localhost:4000', '0.0.0.0', 'sqlite:/data/gatewright.db'],
    )
  })

  for (const name of ['PUBLIC_URL', 'REGISTRATION', 'MAIL', 'GATEWRIGHT_SECRET'])
    test(`says nothing in vain: without ${name} the start stops`, () => {
      const all: Readonly<Record<string, string>> = { ...Object.fromEntries([...image, ...given]), ...secret }
      const { [name]: _left, ...env } = all
      const { settings, sources } = loadSettings({ env, folder: '/nowhere', isTerminal: false })
      assert.equal(productionErrors(settings, sources).length, 1)
    })
})

describe('a build gets', () => {
  const ignoreFile = read('.dockerignore')
  const kept = (path: string): boolean => reachesBuild(ignoreFile, path)

  test('the sources, the manifests and the lock file', () => {
    const needed = [
      'package.json',
      'package-lock.json',
      '.npmrc',
      'LICENSE',
      'tsconfig.json',
      'tools/image-files.ts',
    ]
    const sources = globSync(
      ['packages/gatewright/src/**/*.*', 'apps/blog/src/**/*.ts', 'apps/console/src/**/*.*'],
      {
        cwd: top,
      },
    ).filter(path => !path.endsWith('.test.ts'))
    assert.ok(sources.length > 300)
    assert.deepEqual(
      [...needed, ...sources].filter(path => !kept(path)),
      [],
    )
  })

  const unwanted = [
    '.env',
    '.env.production',
    'apps/blog/.env',
    '.git/config',
    'data/gatewright.db',
    'data/secret',
    'apps/blog/data/gatewright.db-wal',
    'packages/gatewright/src/server.key',
    'packages/gatewright/src/tls.pem',
    'packages/gatewright/src/app.test.ts',
    'packages/gatewright/dist/old.js',
    'packages/gatewright/console/index.html',
    'node_modules/pg/index.js',
    'apps/console/node_modules/x/index.js',
    'test/harness.ts',
    'apps/blog/test/posts.test.ts',
    'docs/settings.md',
    'bench/main.ts',
    'npm-debug.log',
    'id_rsa',
    'notes.txt',
    'deploy/nginx/nginx.conf',
  ]
  for (const path of unwanted) test(`no ${path}`, () => assert.equal(kept(path), false))
})
