import type { ComponentType } from 'react'
import type { TextName } from './texts/en.ts'
import { Activity } from './views/activity.tsx'
import { AccessReview } from './views/administration/access-review.tsx'
import { AllApiKeys } from './views/administration/api-keys.tsx'
import { AuditLog } from './views/administration/audit-log.tsx'
import { HealthNow } from './views/administration/health.tsx'
import { Invitations } from './views/administration/invitations.tsx'
import { Issuers } from './views/administration/issuers.tsx'
import { Overview } from './views/administration/overview.tsx'
import { Roles } from './views/administration/roles.tsx'
import { OneService } from './views/administration/service.tsx'
import { Services } from './views/administration/services.tsx'
import { Sessions } from './views/administration/sessions.tsx'
import { SettingsInForce } from './views/administration/settings.tsx'
import { SigningKeys } from './views/administration/signing-keys.tsx'
import { OneUser } from './views/administration/user.tsx'
import { Users } from './views/administration/users.tsx'
import { Why } from './views/administration/why.tsx'
import { ApiKeys } from './views/api-keys.tsx'
import { ChangePassword } from './views/change-password.tsx'
import { Devices } from './views/devices.tsx'
import { Email } from './views/email.tsx'
import { ForgotPassword } from './views/forgot-password.tsx'
import { Invitation } from './views/invitation.tsx'
import { NotMe, ProveAddress, ResetPassword, UndoEmail, VerifyEmail } from './views/link-action.tsx'
import { NotFound } from './views/not-found.tsx'
import { Profile } from './views/profile.tsx'
import { Register } from './views/register.tsx'
import { Review } from './views/review.tsx'
import { Security } from './views/security.tsx'
import { SetUp } from './views/setup.tsx'
import { SignIn } from './views/sign-in.tsx'

export type View = {
  readonly title: TextName
  /** `user`: whoever is signed in; `stranger`: who is not; the others are sent on. */
  readonly audience: 'everyone' | 'user' | 'stranger'
  /** The permission without which it shows nothing; the navigation lists it among what administrators do. */
  readonly needs?: string
  /** A mail leads to it, or is sent by it. */
  readonly needsMail?: true
  /** Somebody is led there; the navigation does not list it. */
  readonly isUnlisted?: true
  readonly Content: ComponentType
}

/** Every address below `/console`. */
const views: Readonly<Record<string, View>> = {
  '/setup': { title: 'setUpTitle', audience: 'everyone', Content: SetUp },
  '/sign-in': { title: 'signInTitle', audience: 'stranger', Content: SignIn },
  '/register': { title: 'registerTitle', audience: 'stranger', Content: Register },
  '/me': { title: 'profileTitle', audience: 'user', Content: Profile },
  '/me/email': { title: 'emailTitle', audience: 'user', Content: Email },
  '/me/security': { title: 'securityTitle', audience: 'user', Content: Security },
  '/me/password': { title: 'passwordTitle', audience: 'user', Content: ChangePassword },
  '/me/devices': { title: 'devicesTitle', audience: 'user', Content: Devices },
  '/me/activity': { title: 'activityTitle', audience: 'user', Content: Activity },
  '/me/api-keys': { title: 'apiKeysTitle', audience: 'user', Content: ApiKeys },
  '/me/review': { title: 'reviewTitle', audience: 'user', isUnlisted: true, Content: Review },
  '/invitation': { title: 'invitationTitle', audience: 'everyone', needsMail: true, Content: Invitation },
  '/verify': { title: 'verifyTitle', audience: 'everyone', needsMail: true, Content: VerifyEmail },
  '/undo-email': { title: 'undoTitle', audience: 'everyone', needsMail: true, Content: UndoEmail },
  '/prove': { title: 'proveAddressTitle', audience: 'everyone', needsMail: true, Content: ProveAddress },
  '/not-me': { title: 'notMeTitle', audience: 'everyone', needsMail: true, Content: NotMe },
  '/reset': { title: 'resetTitle', audience: 'everyone', needsMail: true, Content: ResetPassword },
  '/forgot': { title: 'forgotTitle', audience: 'everyone', needsMail: true, Content: ForgotPassword },
}

const administration = {
  '/admin': { title: 'overviewTitle', needs: 'metrics:read', Content: Overview },
  '/admin/audit': { title: 'auditTitle', needs: 'audit:read', Content: AuditLog },
  '/admin/users': { title: 'usersTitle', needs: 'users:write', Content: Users },
  '/admin/users/:id': { title: 'userTitle', needs: 'users:write', isUnlisted: true, Content: OneUser },
  '/admin/invitations': { title: 'invitationsTitle', needs: 'users:write', Content: Invitations },
  '/admin/roles': { title: 'roles', needs: 'roles:write', Content: Roles },
  '/admin/services': { title: 'servicesTitle', needs: 'users:write', Content: Services },
  '/admin/services/:id': {
    title: 'serviceTitle',
    needs: 'users:write',
    isUnlisted: true,
    Content: OneService,
  },
  '/admin/sessions': { title: 'sessionsTitle', needs: 'sessions:write', Content: Sessions },
  '/admin/signing-keys': { title: 'signingTitle', needs: 'signing-keys:write', Content: SigningKeys },
  '/admin/api-keys': { title: 'allKeysTitle', needs: 'api-keys:write', Content: AllApiKeys },
  '/admin/issuers': { title: 'issuersTitle', needs: 'clients:write', Content: Issuers },
  '/admin/access-review': { title: 'accessReviewTitle', needs: 'audit:read', Content: AccessReview },
  '/admin/settings': { title: 'settingsTitle', needs: 'settings:read', Content: SettingsInForce },
  '/admin/health': { title: 'healthTitle', needs: 'metrics:read', Content: HealthNow },
  '/admin/explain': { title: 'whyTitle', needs: 'users:write', Content: Why },
} as const satisfies Readonly<Record<string, Omit<View, 'audience'> & { readonly needs: string }>>

const isAdministrative = (path: string): path is keyof typeof administration => path in administration

const notFound: View = { title: 'notFoundTitle', audience: 'everyone', Content: NotFound }

/** Where whoever comes back by a new password is asked what is theirs. */
export const reviewPath = '/me/review'

/** Where a stranger's factor is removed, and others are signed out. */
export const isWithReview = (path: string): boolean =>
  [reviewPath, '/me/security', '/me/devices', '/me/api-keys', '/me/activity'].includes(path)

/** Where everybody begins. */
export const home = '/me'

/** Where whoever has signed in goes on, who wanted to go nowhere else. */
export const homeOf = (permissions: readonly string[]): string =>
  permissions.includes(administration['/admin'].needs) ? '/admin' : home

/** `/admin/users/7c9e` → `/admin/users/:id` */
const toOne = (path: string): string => path.replace(/[^/]+$/, ':id')

export const findView = (path: string): View => {
  const known = [path, toOne(path)].find(isAdministrative)
  if (known !== undefined) return { audience: 'user', ...administration[known] }
  return views[path === '/' ? home : path] ?? notFound
}

/** What the navigation lists for everybody. */
export const userPaths = Object.keys(views).filter(path => {
  const view = views[path]
  return view?.audience === 'user' && !view.isUnlisted
})

const listed = Object.keys(administration).filter(path => !findView(path).isUnlisted)

/** What the navigation lists for whoever may do this. */
export const administrationPaths = (permissions: readonly string[]): readonly string[] =>
  listed.filter(path => permissions.includes(findView(path).needs ?? ''))
