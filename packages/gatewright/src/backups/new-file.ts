import { constants } from 'node:fs'
import { access, type FileHandle, link, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hour, systemClock } from '../ground/clock.ts'
import { codeOf } from '../ground/error-code.ts'
import { newId, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'

/** A file in the making is written on and on: one that was not for so long is left by a process that was killed. */
const left = hour

const forget = (path: string): Promise<void> => rm(path, { force: true })

const draftsOf = (to: string): string => `${basename(to)}.part-`

/** What stands behind it in a name of ours: others cut a backup into parts, and name those like it. */
const ofOurs = /^[\w-]{22}(\.copy)?(-journal|-wal|-shm)?$/

const isLeft = async (path: string): Promise<boolean> => {
  const found = await lstat(path).catch(() => undefined)
  return found?.isFile() === true && found.mtimeMs < systemClock.now() - left
}

const removeLeft = async (to: string): Promise<void> => {
  const [folder, drafts] = [dirname(to), draftsOf(to)]
  const isOurs = (name: string): boolean => name.startsWith(drafts) && ofOurs.test(name.slice(drafts.length))
  for (const name of (await readdir(folder)).filter(isOurs))
    if (await isLeft(join(folder, name))) await forget(join(folder, name))
}

const refuseExisting = (to: string): Refusal =>
  new Refusal('conflict', { detail: `${to} is there already: write another name, or --replace.` })

const checkFree = async (to: string): Promise<void> => {
  const isThere = await access(to, constants.F_OK).then(
    () => true,
    () => false,
  )
  if (isThere) throw refuseExisting(to)
}

/** A name is given to a file that is whole: in place of one that has it, or not at all. */
const giveName = async (draft: string, to: string, replace: boolean): Promise<void> => {
  if (replace) return rename(draft, to)
  try {
    await link(draft, to)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw refuseExisting(to)
    // A disk without second names for a file.
    await checkFree(to)
    return rename(draft, to)
  }
  await forget(draft)
}

const syncFolder = async (to: string): Promise<void> => {
  const folder = await open(dirname(to), 'r')
  await folder.sync().finally(() => folder.close())
}

/**
 * Makes a file that only its owner reads, whole or not at all: written under another name, waited for by the disk, and
 * renamed. Whatever fails leaves nothing of it.
 * @param write is given the file, the name that it has meanwhile, and one for one more file, which is removed
 * @throws Refusal `conflict` where the name is taken
 */
export const makeFile = async <T>(
  to: string,
  { replace, random }: { readonly replace: boolean; readonly random: Random },
  write: (file: FileHandle, names: { readonly draft: string; readonly beside: string }) => Promise<T>,
): Promise<T> => {
  if (!replace) await checkFree(to)
  await removeLeft(to)
  const draft = join(dirname(to), `${draftsOf(to)}${newId(random)}`)
  const beside = `${draft}.copy`
  const file = await open(draft, 'wx', 0o600)
  try {
    const result = await write(file, { draft, beside }).finally(() => file.close())
    await giveName(draft, to, replace)
    await syncFolder(to)
    return result
  } finally {
    for (const name of [draft, beside])
      for (const end of ['', '-journal', '-wal', '-shm']) await forget(name + end)
  }
}
