import type { Holding } from '../sessions/sessions.ts'
import type { UserFieldValues } from '../users/user-fields.ts'
import { openSession, type SessionOptions, type SignedIn } from './signed-in.ts'
import { checkTestApp, openOnTemporaryDatabase, type TestApp, type TestAppOptions } from './test-app.ts'
import { refuseInstallation } from './test-settings.ts'
import { addTestTotp, type TestTotp } from './test-totp.ts'
import { addTestUser } from './test-user.ts'
import { makeVirtualPasskey, type PasskeyTraits, type VirtualPasskey } from './virtual-passkey.ts'

export type { SentMail } from './record-mail.ts'
export type { SignedIn } from './signed-in.ts'
export type { TestApp } from './test-app.ts'
export type { TestTotp } from './test-totp.ts'
export type { PasskeyTraits, VirtualPasskey } from './virtual-passkey.ts'

/**
 * Starts an application for a test: the code paths of production, on an empty database that is made for it
 * and removed with it, with a clock that stands still. Commits are not durable, and limits are wide.
 *
 *     const t = await startTestApp({ build: plugin => buildApi(plugin) })
 *     const ann = await signedInAs(t, { roles: ['analyst'] })
 *     assert.equal((await ann.inject('/reports')).statusCode, 200)
 *     await t.close()
 *
 * @throws SettingsError where production's rules hold, and where the environment names a database;
 *   TypeError for what is no application with the plugin, or no address of a server
 */
export const startTestApp = async (options: TestAppOptions): Promise<TestApp> => {
  refuseInstallation()
  return openOnTemporaryDatabase(options)
}

export type SignInOptions<H extends Holding = Holding> = SessionOptions<H> & {
  readonly roles: readonly string[]
  /** One that nobody has, without a word. */
  readonly username?: string
  /** The application's own fields of the user. */
  readonly fields?: UserFieldValues
}

let users = 0

/**
 * Makes a user with these roles and signs in, by the code that runs behind the sign-in once the password was
 * found right: no password is hashed, so a test may make hundreds.
 *
 *     const ann = await signedInAs(t, { roles: ['analyst'] })
 *     const browser = await signedInAs(t, { roles: ['user'], holding: 'cookie' })
 *
 * @throws Refusal `validation_failed` for a role or a field that nobody declared, `username_taken`;
 *   TypeError for an application that `startTestApp` has not started, and for what is no username
 */
export const signedInAs = async <H extends Holding = 'tokens'>(
  testApp: TestApp,
  { roles, username = `test-user-${++users}`, fields = {}, ...options }: SignInOptions<H>,
): Promise<SignedIn<H>> => {
  checkTestApp(testApp)
  const { app } = testApp
  const { id, username: shown } = await addTestUser(
    app.gatewright,
    { username, roles, fields },
    app.userFields,
  )
  return openSession(app, { id, username: shown }, options)
}

/**
 * Gives a user an authenticator app in memory. The user's sessions have shown it: administrative permissions
 * count in them. A sign-in with the password then asks for the second half.
 *
 *     const ann = await signedInAs(t, { roles: ['user'] })
 *     const app = await addTotp(t, ann.user)
 *     await ann.inject({ method: 'POST', url: '/auth/step-up', payload: { method: 'totp', code: await app.code() } })
 *
 * @throws TypeError for an application that `startTestApp` has not started
 */
export const addTotp = (testApp: TestApp, user: SignedIn['user']): Promise<TestTotp> => {
  checkTestApp(testApp)
  return addTestTotp(testApp.app.gatewright, user.id)
}

/**
 * Makes a passkey in memory, for the pages of the application: what a browser and its authenticator would
 * answer, really signed.
 *
 *     const passkey = createVirtualPasskey(t)
 *     const response = passkey.create(optionsOfMePasskeysOptions)
 *     const answer = passkey.get(optionsOfLoginPasskeyOptions)
 *
 * @throws TypeError for an application that `startTestApp` has not started
 */
export const createVirtualPasskey = (testApp: TestApp, traits: PasskeyTraits = {}): VirtualPasskey => {
  checkTestApp(testApp)
  return makeVirtualPasskey(testApp.app.gatewright.publicUrl, traits)
}
