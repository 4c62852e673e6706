import { createAdministration, toQuery } from './administration.ts'
import type { CursorPage } from './administration-answers.ts'
import type {
  AuthenticatorSecret,
  Current,
  Device,
  Factors,
  Forgotten,
  Happened,
  KnownDevice,
  LinkAnswer,
  NewFactor,
  Passkey,
  Proof,
  Registration,
  StepUpOptions,
  Strength,
} from './answers.ts'
import { createAsk } from './ask.ts'
import type { AuditSearch } from './audit-answers.ts'
import type { ApiKey, KeyRequest, NewApiKey } from './key-answers.ts'
import { isOver } from './refused.ts'
import { fetchFile } from './send.ts'

/** The account routes, one line each, and those of administrators. */
export const createApi = (mount: string) => {
  const { ask, readRenewed, findEnd } = createAsk(mount)
  return {
    admin: createAdministration(ask),
    exportEvents: (search: AuditSearch) => fetchFile(`${mount}/admin/audit/export${toQuery(search)}`),
    /** Why the session that was here has ended. */
    findEnd,
    /** Who is signed in; nobody is null. */
    findCurrent: async (): Promise<Current | null> => {
      try {
        return await readRenewed()
      } catch (error) {
        if (isOver(error)) return null
        throw error
      }
    },
    signIn: (username: string, password: string) => ask('POST', '/sessions', { username, password }),
    signOut: () => ask('POST', '/logout'),
    setUp: (token: string, registration: Registration) => ask('POST', '/setup', { token, ...registration }),
    register: (registration: Registration) => ask('POST', '/register', registration),
    /** The second half of a sign-in, with what the first half gave. */
    finishSignIn: (mfa_token: string, proof: Proof) => ask('POST', '/login/mfa', { mfa_token, ...proof }),
    findSecondStepOptions: (mfa_token: string) => ask('POST', '/login/mfa/options', { mfa_token }),
    findSignInOptions: () => ask('POST', '/login/passkey/options'),
    signInByPasskey: (response: unknown) => ask('POST', '/login/passkey', { response, delivery: 'cookie' }),
    findStepUpOptions: async () => (await ask('POST', '/step-up/options')) as StepUpOptions,
    stepUp: (proof: Proof) => ask('POST', '/step-up', proof),
    findFactors: async () => (await ask('GET', '/me/factors')) as Factors,
    listPasskeys: async () =>
      ((await ask('GET', '/me/passkeys')) as { readonly passkeys: readonly Passkey[] }).passkeys,
    startAuthenticator: async () => (await ask('POST', '/me/totp')) as AuthenticatorSecret,
    confirmAuthenticator: async (code: string) =>
      (await ask('POST', '/me/totp/confirm', { code })) as NewFactor,
    removeAuthenticator: () => ask('DELETE', '/me/totp'),
    renewRecoveryCodes: async () => (await ask('POST', '/me/recovery-codes')) as Required<NewFactor>,
    findPasskeyOptions: () => ask('POST', '/me/passkeys/options'),
    addPasskey: async (passkey: { readonly name: string; readonly response: unknown }) =>
      (await ask('POST', '/me/passkeys', passkey)) as NewFactor,
    renamePasskey: (id: string, name: string) =>
      ask('PATCH', `/me/passkeys/${encodeURIComponent(id)}`, { name }),
    removePasskey: (id: string) => ask('DELETE', `/me/passkeys/${encodeURIComponent(id)}`),
    measurePassword: async (password: string, username?: string) =>
      (await ask('POST', '/password/strength', {
        password,
        ...(username !== undefined && { username }),
      })) as Strength,
    changePassword: (current_password: string, new_password: string) =>
      ask('PUT', '/me/password', { current_password, new_password }),
    listDevices: async () => ((await ask('GET', '/sessions')) as { sessions: readonly Device[] }).sessions,
    listEvents: async (cursor: string | undefined) =>
      (await ask(
        'GET',
        `/me/events${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`,
      )) as CursorPage<Happened>,
    endDevice: (id: string) => ask('DELETE', `/sessions/${encodeURIComponent(id)}`),
    endOtherDevices: () => ask('DELETE', '/sessions'),
    listKeys: async () => ((await ask('GET', '/api-keys')) as { api_keys: readonly ApiKey[] }).api_keys,
    makeKey: (request: KeyRequest) => ask('POST', '/api-keys', request) as Promise<NewApiKey>,
    listKnownDevices: async () =>
      ((await ask('GET', '/me/known-devices')) as { readonly known_devices: readonly KnownDevice[] })
        .known_devices,
    forgetDevice: (id: string) =>
      ask('DELETE', `/me/known-devices/${encodeURIComponent(id)}`) as Promise<Forgotten>,
    bringBackDevice: ({ undo_token }: Forgotten) => ask('POST', '/me/known-devices/undo', { undo_token }),
    rotateKey: (id: string) =>
      ask('POST', `/api-keys/${encodeURIComponent(id)}/rotate`) as Promise<NewApiKey>,
    revokeKey: (id: string) => ask('DELETE', `/api-keys/${encodeURIComponent(id)}`),
    changeLocale: (locale: string) => ask('PATCH', '/me', { locale }),
    noteReview: () => ask('PATCH', '/me', { reviewed: true }),
    resendVerification: () => ask('POST', '/me/email/verification'),
    changeEmail: (email: string) => ask('POST', '/me/email', { email }),
    verifyEmail: (token: string) => ask('POST', '/email/verify', { token }) as Promise<LinkAnswer>,
    undoEmail: (token: string) => ask('POST', '/email/undo', { token }) as Promise<LinkAnswer>,
    refuseEvent: (token: string) => ask('POST', '/email/not-me', { token }) as Promise<LinkAnswer>,
    proveAddress: (token: string) => ask('POST', '/sign-in/prove', { token }) as Promise<LinkAnswer>,
    forgotPassword: (email: string) => ask('POST', '/password/forgot', { email }),
    resetPassword: (reset: { readonly token: string; readonly new_password: string } & Partial<Proof>) =>
      ask('POST', '/password/reset', reset),
  }
}

export type Api = ReturnType<typeof createApi>
