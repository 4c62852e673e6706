import type { ComponentType } from 'react'
import type { TextName } from './texts/en.ts'
import { ChangePassword } from './views/change-password.tsx'
import { Devices } from './views/devices.tsx'
import { ForgotPassword } from './views/forgot-password.tsx'
import { NotMe, ResetPassword, VerifyEmail } from './views/link-action.tsx'
import { NotFound } from './views/not-found.tsx'
import { Profile } from './views/profile.tsx'
import { Register } from './views/register.tsx'
import { SetUp } from './views/setup.tsx'
import { SignIn } from './views/sign-in.tsx'

export type View = {
  readonly title: TextName
  /** `user`: whoever is signed in; `stranger`: who is not; the others are sent on. */
  readonly audience: 'everyone' | 'user' | 'stranger'
  /** A mail leads to it, or is sent by it. */
  readonly needsMail?: true
  readonly Content: ComponentType
}

/** Every address below `/console`. */
const views: Readonly<Record<string, View>> = {
  '/setup': { title: 'setUpTitle', audience: 'everyone', Content: SetUp },
  '/sign-in': { title: 'signInTitle', audience: 'stranger', Content: SignIn },
  '/register': { title: 'registerTitle', audience: 'stranger', Content: Register },
  '/me': { title: 'profileTitle', audience: 'user', Content: Profile },
  '/me/password': { title: 'passwordTitle', audience: 'user', Content: ChangePassword },
  '/me/devices': { title: 'devicesTitle', audience: 'user', Content: Devices },
  '/verify': { title: 'verifyTitle', audience: 'everyone', needsMail: true, Content: VerifyEmail },
  '/not-me': { title: 'notMeTitle', audience: 'everyone', needsMail: true, Content: NotMe },
  '/reset': { title: 'resetTitle', audience: 'everyone', needsMail: true, Content: ResetPassword },
  '/forgot': { title: 'forgotTitle', audience: 'everyone', needsMail: true, Content: ForgotPassword },
}

const notFound: View = { title: 'notFoundTitle', audience: 'everyone', Content: NotFound }

/** Where everybody begins. */
export const home = '/me'

export const findView = (path: string): View => views[path === '/' ? home : path] ?? notFound

/** What the navigation lists. */
export const userPaths = Object.keys(views).filter(path => views[path]?.audience === 'user')
