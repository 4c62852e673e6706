import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { inviteTo } from '../registration/invite-to.ts'
import { browserMissing, type Console, open, startConsole } from './start-console.ts'

const fillRegistration = async (page: Page, username: string): Promise<void> => {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Register' }).click()
}

describe('registering by invitation', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ registration: 'invite' })
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('whoever was not invited is told so, and nothing leads to a form', async () => {
    const page = await open(c, '/register')
    await page.getByText('Only who was invited may register here.').waitFor()
    assert.equal(await page.getByRole('textbox').count(), 0)
    await page.goto('/console/sign-in')
    await page.getByLabel('Username').waitFor()
    assert.equal(await page.getByRole('link', { name: 'Register' }).count(), 0)
  })

  test('whoever was invited registers with the roles and the address of the invitation, and is signed in', async () => {
    const token = await inviteTo(c.t, 'carol@example.org', ['moderator', 'user'])
    const page = await open(c, `/invitation#${token}`)
    await page.getByText('The address is the one that the invitation was sent to.').waitFor()
    await untilEqual(() => new URL(page.url()).hash, '')
    assert.equal(await page.getByLabel('E-mail address').count(), 0)
    await fillRegistration(page, 'carol')
    await page.getByText('Signed in as carol').waitFor()
    for (const text of ['carol@example.org', 'verified', 'moderator'])
      await page.getByRole('definition').getByText(text, { exact: true }).waitFor()
  })

  test('an invitation that was used, or is none, opens nothing', async () => {
    const token = await inviteTo(c.t, 'dave@example.org')
    const first = await open(c, `/invitation#${token}`)
    await fillRegistration(first, 'dave')
    await first.getByText('Signed in as dave').waitFor()
    for (const [index, shown] of [token, 'made-up'].entries()) {
      const page = await open(c, `/invitation#${shown}`)
      await fillRegistration(page, `mallory-${index}`)
      await page.getByText('This link can’t be used').waitFor()
    }
    const page = await open(c, '/invitation')
    await page.getByText('This link can’t be used').waitFor()
    assert.equal(await page.getByRole('textbox').count(), 0)
  })

  test('a name that is taken is told at its field, and the invitation is still good', async () => {
    const token = await inviteTo(c.t, 'erin@example.org')
    const page = await open(c, `/invitation#${token}`)
    await fillRegistration(page, 'carol')
    await page.getByText('This username is taken.').waitFor()
    await fillRegistration(page, 'erin')
    await page.getByText('Signed in as erin').waitFor()
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})

describe('where registration is closed', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ registration: 'closed' })
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('the page says so, and nothing leads to a form', async () => {
    const page = await open(c, '/register')
    await page.getByText('Registration is closed here.').waitFor()
    assert.equal(await page.getByRole('textbox').count(), 0)
  })
})
