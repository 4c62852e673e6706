import type { ComponentType } from 'react'
import type { Proof } from '../api/answers.ts'
import { PasswordField } from '../forms/password-field.tsx'
import { showPasskey } from '../passkeys.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { AuthenticatorCodeField, RecoveryCodeField, readCode } from './code-field.tsx'

export type Asked = {
  /** What stands in a field of the form. */
  readonly read: (name: string) => string
  /** What the server asks a passkey for. */
  readonly findOptions: () => Promise<unknown>
}

type Way = {
  readonly intro: TextName
  readonly submit: TextName
  /** On the button that leads from another way to this one. */
  readonly choose: TextName
  readonly Fields?: ComponentType
  readonly prove: (asked: Asked) => Promise<Proof>
}

const OwnPassword = () => {
  const { text } = useTexts()
  return (
    <PasswordField
      name="password"
      label={text('passwordLabel')}
      autoComplete="current-password"
      data-autofocus
    />
  )
}

/** Every way to prove who one is, the strongest first. A new one is a row here. */
export const ways = {
  passkey: {
    intro: 'provePasskeyIntro',
    submit: 'provePasskey',
    choose: 'chooseProvePasskey',
    prove: async ({ findOptions }) => ({
      method: 'passkey',
      response: await showPasskey(await findOptions()),
    }),
  },
  totp: {
    intro: 'proveAuthenticatorIntro',
    submit: 'confirmSubmit',
    choose: 'chooseProveAuthenticator',
    Fields: AuthenticatorCodeField,
    prove: async ({ read }) => ({ method: 'totp', code: readCode(read) }),
  },
  password: {
    intro: 'provePasswordIntro',
    submit: 'confirmSubmit',
    choose: 'chooseProvePassword',
    Fields: OwnPassword,
    prove: async ({ read }) => ({ password: read('password') }),
  },
  recovery_code: {
    intro: 'proveRecoveryIntro',
    submit: 'confirmSubmit',
    choose: 'chooseProveRecovery',
    Fields: RecoveryCodeField,
    prove: async ({ read }) => ({ method: 'recovery_code', code: readCode(read) }),
  },
} as const satisfies Readonly<Record<string, Way>>

export type WayName = keyof typeof ways
export const wayNames = Object.keys(ways) as readonly WayName[]

export const findWay = (name: WayName): Way => ways[name]
