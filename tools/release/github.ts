import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { releaseFolder } from './pack.ts'
import { getRelease } from './plan.ts'

/*
 * `npm run release:github`: the page of the release, with the notes of CHANGELOG.md and the files of `release/`. It stays
 * a draft until somebody has looked at it.
 */

const { version, isPreview, isLatest, notes } = getRelease()
const files = readdirSync(releaseFolder).map(name => join(releaseFolder, name))
const words = [
  'release',
  'create',
  `v${version}`,
  '--verify-tag',
  '--draft',
  '--title',
  version,
  '--notes-file',
  '-',
]
const more = [...(isPreview ? ['--prerelease'] : []), ...(isLatest ? [] : ['--latest=false'])]
const { status } = spawnSync('gh', [...words, ...more, ...files], {
  input: notes,
  stdio: ['pipe', 'inherit', 'inherit'],
})
process.exitCode = status ?? 1
