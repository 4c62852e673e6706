import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { newPerson } from '../mail/person.ts'
import { plantPasskey } from '../passkeys/registered.ts'
import { untilEqual } from '../process/until.ts'
import { addApp, keepRecoveryCodes, nextCode } from './factors.ts'
import { mailsTo, newestLink, subjectsTo } from './mails.ts'
import { changePassword } from './own-account.ts'
import {
  browserMissing,
  type Console,
  fillSignIn,
  makeUser,
  open,
  openAs,
  startConsole,
} from './start-console.ts'

const newPassword = 'another password, and longer'
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

const reviewTitle = 'Is all of this yours?'
/** Asked after a reset, before anything else is shown. */
const sayAllIsOwn = async (page: Page): Promise<void> => {
  await page.getByRole('heading', { name: reviewTitle }).waitFor()
  await press(page, 'All of it is mine')
}

describe('e-mail addresses and links', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

  /** Follows the newest link to an address, in a browser of its own unless a page is given. */
  const follow = async (address: string, page?: Page): Promise<Page> => {
    const opened = page ?? (await open(c, '/sign-in'))
    await opened.goto(await newestLink(c, address))
    return opened
  }

  const idOf = async (username: string): Promise<string> => {
    const users = c.t.engine.db.selectFrom('users').select('id')
    return (await users.where('username', '=', username).executeTakeFirstOrThrow()).id
  }

  /** Somebody with a verified address, signed in. */
  const withAddress = async (username: string, path = '/me/email'): Promise<Page> => {
    await makeUser(c, username)
    await giveAddress(c.t.engine, await idOf(username), `${username}@example.org`)
    return openAs(c, username, path)
  }

  const setPassword = async (page: Page): Promise<void> => {
    await page.getByLabel('New password').fill(newPassword)
    await press(page, 'Set the password')
  }

  test('an address is verified by the link that was sent to it, whose token leaves the address bar, and a second use is refused', async () => {
    await makeUser(c, 'alice')
    const page = await openAs(c, 'alice', '/me/email')
    await page.getByText('not verified').waitFor()
    await press(page, 'Send the link once more')
    await page.getByText('A link is on its way to alice@example.org').waitFor()
    const link = await newestLink(c, 'alice@example.org')
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await page.goto(link)
    await page.getByText('confirm that this address is yours').waitFor()
    await untilEqual(() => new URL(page.url()).hash, '')
    assert.equal(await page.evaluate('history.length > 0 && location.href.includes("#")'), false)
    await press(page, 'Verify the address')
    await page.getByText('Your e-mail address is verified.').waitFor()
    const [, token = ''] = link.split('#')
    assert.deepEqual(
      asked.filter(url => url.includes(token) && !url.includes('#')),
      [],
    )
    await page.getByRole('link', { name: 'To your account' }).click()
    await page.getByText('verified', { exact: true }).waitFor()
    const again = await open(c, '/sign-in')
    await again.goto(link)
    await press(again, 'Verify the address')
    await again.getByText('This link can’t be used').waitFor()
  })

  test('a new address counts from the moment it is verified; the old one is told and brings itself back', async () => {
    const page = await withAddress('bob')
    await page.getByLabel('New e-mail address').fill('bob@example.net')
    await press(page, 'Send the link')
    await page.getByText('A link is on its way to bob@example.net').waitFor()
    await page.getByRole('main').getByText('bob@example.org').waitFor()
    const elsewhere = await follow('bob@example.net')
    await press(elsewhere, 'Verify the address')
    await elsewhere.getByText('Your e-mail address is verified.').waitFor()
    await page.reload()
    await page.getByText('bob@example.net').waitFor()

    const owner = await follow('bob@example.org')
    await press(owner, 'Bring it back')
    await owner.getByText('Your old address is back').waitFor()
    await setPassword(owner)
    await owner.getByText('The password is set.').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await fillSignIn(page, 'bob@example.org', newPassword)
    await sayAllIsOwn(page)
    await page.getByText('Signed in as bob').waitFor()
  })

  test('“that was not me” signs everybody out and leads to a new password', async () => {
    const page = await withAddress('carol', '/me/password')
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill('a thief’s own long password')
    await press(page, 'Change the password')
    await page.getByText('The password is changed.').waitFor()
    const owner = await follow('carol@example.org')
    await press(owner, 'It was not me')
    await owner.getByText('Every device is signed out.').waitFor()
    await setPassword(owner)
    await owner.getByText('The password is set.').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('“that was not me” at an address that is not the account’s any more promises no new password', async () => {
    const page = await withAddress('trent', '/me/password')
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill(newPassword)
    await press(page, 'Change the password')
    await page.getByText('The password is changed.').waitFor()
    await giveAddress(c.t.engine, await idOf('trent'), 'trent@example.net')
    const owner = await follow('trent@example.org')
    await press(owner, 'It was not me')
    await owner.getByText('This is not the address of the account any more').waitFor()
    assert.equal(await owner.getByText('Now choose a new password').count(), 0)
  })

  test('who has a passkey and no recovery code left is led to the passkey, and not to another browser', async () => {
    const person = await newPerson(c.t)
    await plantPasskey(c.t.engine, person.id)
    const page = await open(c, '/forgot')
    await page.getByLabel('E-mail address').fill(person.email)
    await press(page, 'Send the link')
    await page.getByText('a link is on its way').waitFor()
    await follow(person.email, page)
    await setPassword(page)
    await page.getByText('Sign in with the passkey').waitFor()
  })

  test('a forgotten password is set anew by the link of a mail, and the link opens nothing twice', async () => {
    const before = await withAddress('dave', '/me/api-keys')
    await before.getByLabel('Name').fill('report of dave')
    await press(before, 'Make the key')
    await before.getByLabel('I have kept this key').waitFor()
    const page = await open(c, '/sign-in')
    await page.getByRole('link', { name: 'Forgotten password' }).click()
    await page.getByLabel('E-mail address').fill('dave@example.org')
    await press(page, 'Send the link')
    await page.getByText('a link is on its way').waitFor()
    const link = await newestLink(c, 'dave@example.org')
    await page.goto(link)
    await setPassword(page)
    await page.getByText('The password is set.').waitFor()
    assert.equal(new URL(page.url()).hash, '')
    await page.goto('/console/forgot')
    await page.goto(link)
    await setPassword(page)
    await page.getByText('This link can’t be used').waitFor()
    await page.goto('/console/sign-in')
    await fillSignIn(page, 'dave', newPassword)
    await page.getByRole('heading', { name: reviewTitle }).waitFor()
    for (const path of ['/me', '/me/password', '/me/email']) {
      await page.goto(`/console${path}`)
      await page.getByRole('heading', { name: reviewTitle }).waitFor()
    }
    const keys = page.getByRole('list', { name: 'Your API keys' })
    await keys.getByText('report of dave').waitFor()
    await keys.getByText('ended', { exact: true }).waitFor()
    for (const [path, name] of Object.entries({ '/me/security': 'Security', '/me/api-keys': 'API keys' })) {
      await page.goto(`/console${path}`)
      await page.getByRole('heading', { name, exact: true }).waitFor()
    }
    await page.goto('/console/me/email')
    await sayAllIsOwn(page)
    await page.getByRole('heading', { name: 'E-mail', exact: true }).waitFor()
    await page.reload()
    await page.getByText('Signed in as dave').waitFor()
  })

  test('enumeration: an address that nobody has gets the same words, and no mail', async () => {
    const page = await open(c, '/forgot')
    await page.getByLabel('E-mail address').fill('nobody@example.org')
    await press(page, 'Send the link')
    await page.getByText('If this address belongs to an account, a link is on its way to it.').waitFor()
    assert.deepEqual(await mailsTo(c, 'nobody@example.org'), [])
  })

  test('with a second factor, the link alone sets no password: the page asks for the code', async () => {
    const page = await withAddress('erin', '/me/security')
    const secret = await addApp(c, page)
    await keepRecoveryCodes(page)
    const another = await open(c, '/forgot')
    await another.getByLabel('E-mail address').fill('erin@example.org')
    await press(another, 'Send the link')
    await another.getByText('a link is on its way').waitFor()
    await follow('erin@example.org', another)
    await setPassword(another)
    await another.getByLabel('Code from the app').fill('000000')
    await press(another, 'Confirm')
    await another.getByText('This code is not right').waitFor()
    await another.getByLabel('Code from the app').fill(nextCode(c, secret))
    await press(another, 'Confirm')
    await another.getByText('The password is set.').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('what happens to the account is told by mail', async () => {
    const page = await withAddress('frank', '/me/security')
    await addApp(c, page)
    await keepRecoveryCodes(page)
    await page.getByText('Codes left: 10').waitFor()
    const subjects = await subjectsTo(c, 'frank@example.org')
    assert.equal(subjects.at(-1), 'A second factor was added: authenticator app')
  })

  test('mail is in the language chosen on the profile, from the next one on, and the page keeps its own', async () => {
    const page = await withAddress('heidi', '/me')
    const language = page.getByLabel('Language of mails')
    assert.equal(await language.inputValue(), 'en')
    await language.selectOption('繁體中文')
    await page.getByText('Saved.').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Profile' }).waitFor()
    await untilEqual(() => language.inputValue(), 'zh-TW')

    await page.goto('/console/me/password')
    await changePassword(page, password, newPassword)
    await page.getByText('The password is changed.').waitFor()
    const mails = await mailsTo(c, 'heidi@example.org')
    const { subject, text, html } = mails.at(-1) ?? {}
    assert.equal(subject, '您的密碼已變更')
    assert.match(text ?? '', /^heidi，您好：/)
    assert.match(html ?? '', /<html lang="zh-TW"/)
  })

  test('a language of mails that can’t be saved is told, and the one before stays', async () => {
    await makeUser(c, 'ivan')
    const page = await openAs(c, 'ivan', '/me')
    const language = page.getByLabel('Language of mails')
    const refusal = { status: 503, contentType: 'application/problem+json', body: '{"code":"unavailable"}' }
    await page.route('**/api/v1/me', route =>
      route.request().method() === 'PATCH' ? route.fulfill(refusal) : route.continue(),
    )
    await language.selectOption('简体中文')
    await page.getByRole('alert').waitFor()
    await untilEqual(() => language.inputValue(), 'en')
    await page.reload()
    await untilEqual(() => language.inputValue(), 'en')
    assert.equal(await page.getByText('Saved.').count(), 0)
  })

  test('what is no address is told at its field', async () => {
    await makeUser(c, 'grace')
    const page = await openAs(c, 'grace', '/me/email')
    await page.getByLabel('New e-mail address').fill('grace@localhost')
    await press(page, 'Send the link')
    await page.getByText('This is not an e-mail address.').waitFor()
    const field = page.getByLabel('New e-mail address')
    await untilEqual(() => field.getAttribute('aria-invalid'), 'true')
  })

  test('client-side CSRF: whatever stands behind the # is the text of a token; nothing is asked before a button is pressed, and then one thing', async () => {
    const odd = [
      '../../admin/users',
      'https://evil.example/',
      '<img src=x onerror=alert(1)>',
      '{"token":1}',
      'a'.repeat(5_000),
    ]
    const page = await open(c, '/sign-in')
    const asked: string[] = []
    page.on('request', request => {
      if (request.method() !== 'GET') asked.push(new URL(request.url()).pathname)
    })
    for (const text of odd) {
      asked.length = 0
      await page.goto('about:blank')
      await page.goto(`/console/verify#${text}`)
      await page.getByRole('button', { name: 'Verify the address' }).waitFor()
      await untilEqual(() => new URL(page.url()).hash, '')
      assert.deepEqual(asked, [], text)
      await press(page, 'Verify the address')
      await page.getByText('This link can’t be used').waitFor()
      assert.deepEqual(asked, ['/api/v1/email/verify'], text)
      assert.equal(await page.locator('main img').count(), 0)
    }
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})

describe('after many wrong passwords', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ limitsScale: 1, trustedProxies: ['127.0.0.1'] })
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('a new device is refused with the right password too; the link of a mail lets it in, and it alone', async () => {
    const person = await newPerson(c.t)
    for (let tries = 0; tries < 11; tries += 1) {
      const headers = { 'x-forwarded-for': `198.51.100.${tries + 1}` }
      const body = { username: person.username, password: 'a stranger’s guess' }
      assert.equal((await c.t.call('POST', 'login', { headers, body })).status, 401)
    }
    const page = await open(c, '/sign-in')
    await fillSignIn(page, person.username)
    await page.getByText('The username or the password is wrong.').waitFor()
    await page.getByText('there is a link in your mail').waitFor()
    await page.goto(await newestLink(c, person.email))
    await press(page, 'Let this device sign in')
    await page.getByText('You can sign in on this device now.').waitFor()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await fillSignIn(page, person.username)
    await page.getByText(`Signed in as ${person.username}`).waitFor()
  })
})
