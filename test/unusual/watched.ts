import { type PatternName, patternNames } from '../../packages/gatewright/src/unusual/patterns.ts'
import { type Answer, password, type TestApp } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { addUser } from '../sessions/signed-in.ts'

export type Person = { readonly id: string; readonly username: string; readonly email: string }

let people = 0

/** A user with the password of all tests, which costs next to nothing to verify, and a verified address. */
export const addPerson = async (
  { engine }: TestApp,
  {
    roles = ['user'],
    shown = password,
  }: { readonly roles?: readonly string[]; readonly shown?: string } = {},
): Promise<Person> => {
  const username = `watched-${++people}`
  const email = `${username}@example.org`
  const { id } = await addUser(engine, username, { roles, passwordHash: hashCheaply(shown) })
  await giveAddress(engine, id, email)
  return { id, username, email }
}

export const addPeople = async (t: TestApp, count: number): Promise<readonly Person[]> => {
  const made: Person[] = []
  for (let n = 0; n < count; n++) made.push(await addPerson(t))
  return made
}

export type From = {
  readonly address: string
  readonly device?: string
  readonly cookie?: string | undefined
}

/** As a browser signs in, with what it has kept. */
export const signIn = (
  { call }: TestApp,
  name: string,
  shown: string,
  { address, device = 'Mozilla/5.0 a browser', cookie }: From,
): Promise<Answer> =>
  call('POST', 'sessions', {
    body: { username: name, password: shown },
    address,
    headers: { 'user-agent': device, ...(cookie !== undefined && { cookie }) },
  })

export type Raised = Readonly<Record<PatternName, number>>

/** How often each pattern was raised, by the audit events. */
export const countRaised = async ({ engine: { db } }: TestApp): Promise<Raised> => {
  const rows = await db
    .selectFrom('audit_events')
    .select(eb => ['event', eb.fn.countAll<number>().as('count')])
    .where('event', 'like', 'unusual.%')
    .groupBy('event')
    .execute()
  const of = (name: PatternName) => Number(rows.find(({ event }) => event === `unusual.${name}`)?.count ?? 0)
  return Object.fromEntries(patternNames.map(name => [name, of(name)])) as Raised
}

/** What an act has raised. */
export const raisedBy = async (
  t: TestApp,
  act: () => Promise<unknown>,
): Promise<Readonly<Partial<Raised>>> => {
  const before = await countRaised(t)
  await act()
  const after = await countRaised(t)
  const grown = patternNames.flatMap(name => {
    const count = after[name] - before[name]
    return count === 0 ? [] : [[name, count] as const]
  })
  return Object.fromEntries(grown)
}

/** Subjects of the mail to somebody, newest last. */
export const subjectsTo = async (t: TestApp, { email }: Pick<Person, 'email'>): Promise<readonly string[]> =>
  (await t.deliverMail()).filter(({ to }) => to === email).map(({ subject }) => subject)
