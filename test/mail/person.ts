import assert from 'node:assert/strict'
import type { SentMail } from '../../packages/gatewright/src/testing/record-mail.ts'
import { addTestUser } from '../../packages/gatewright/src/testing/test-user.ts'
import { type Answer, password, type TestApp } from '../harness.ts'
import { giveAddress } from './given-link.ts'

let people = 0

export type Person = {
  readonly id: string
  readonly username: string
  readonly email: string
}

/** A user with a verified address and the password of all tests. */
export const newPerson = async ({ engine }: TestApp): Promise<Person> => {
  const username = `mailed-${++people}`
  const email = `${username}@example.org`
  const { id } = await addTestUser(engine, { username, roles: ['user'] })
  await giveAddress(engine, id, email)
  return { id, username, email }
}

export type Pair = { readonly access: string; readonly refresh: string }

export const toPair = ({ status, body, text }: Answer): Pair => {
  assert.equal(status, 200, text)
  return { access: body.access_token, refresh: body.refresh_token }
}

export const logIn = async (
  { call }: TestApp,
  { username }: Pick<Person, 'username'>,
  shown = password,
): Promise<Pair> => toPair(await call('POST', 'login', { body: { username, password: shown } }))

/** All mail to an address so far, newest last. */
export const mailTo = async ({ deliverMail }: TestApp, to: string): Promise<readonly SentMail[]> =>
  (await deliverMail()).filter(mail => mail.to === to)

/** The secret of the newest link that leads to this page. */
export const linkTo = async (t: TestApp, to: string, page: string): Promise<string> => {
  const links = (await mailTo(t, to)).flatMap(({ link }) =>
    link?.path === `/console/${page}` ? [link.token] : [],
  )
  const newest = links.at(-1)
  assert.ok(newest, `no mail to ${to} leads to ${page}`)
  return newest
}

export const codeOf = ({ status, body }: Answer): string | number => body?.code ?? status
