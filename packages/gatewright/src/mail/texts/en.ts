import type { LetterName } from '../letters.ts'
import type { DigestPattern } from './unusual.ts'

/** One mail: what stands in braces is filled in (`LetterValues`, and `{app}`). */
export type LetterText = {
  readonly subject: string
  readonly lines: readonly string[]
  /** In place of these where no user has sent it. */
  readonly linesOfNobody?: readonly string[]
  /** Stands above the link. */
  readonly link?: string
}

export type MailTexts = {
  readonly greeting: string
  readonly greetingOfNobody: string
  readonly at: string
  readonly address: string
  readonly device: string
  /** API keys that ended with what happened. */
  readonly keys: string
  /** Above all in the mail to administrators. */
  readonly unusual: string
  readonly patterns: Readonly<Record<DigestPattern, string>>
  /** Above the link of every notice. */
  readonly notMe: string
  /** Under a link. */
  readonly lifetime: string
  readonly hours: string
  readonly days: string
  readonly oneHour: string
  readonly footer: string
  readonly factors: Readonly<Record<'totp' | 'passkey' | 'recovery_code', string>>
  readonly letters: Readonly<Record<LetterName, LetterText>>
}

export const en: MailTexts = {
  greeting: 'Hello {username},',
  greetingOfNobody: 'Hello,',
  at: 'When: {at}',
  address: 'From the address: {address}',
  device: 'Device: {device}',
  keys: 'API keys that ended: {keys}',
  unusual: 'What was seen: {unusual}',
  patterns: {
    'success-after-failures': 'a sign-in after many wrong passwords',
    'one-password-many-users': 'one password tried at many users',
    'many-users-one-address': 'many users tried from one address',
    'administrator-from-new-network': 'an administrator from a new network',
    'many-failures': 'many wrong passwords for one user',
  },
  notMe:
    'If that was you, there is nothing to do. If it wasn’t you, open this link: it signs out every device and lets you choose a new password.',
  lifetime: 'The link works once, for {time}.',
  hours: '{count} hours',
  days: '{count} days',
  oneHour: 'one hour',
  footer: 'This mail was sent by {app}, because of something that happened at {url}.',
  factors: { totp: 'authenticator app', passkey: 'passkey', recovery_code: 'recovery code' },
  letters: {
    'verify-email': {
      subject: 'Confirm your e-mail address',
      lines: ['Somebody gave this address as theirs at {app}. If that was you, please confirm it.'],
      link: 'Open this link to confirm the address. If you know nothing of it, do nothing: the address is then not used.',
    },
    'address-taken': {
      subject: 'Somebody gave your address',
      lines: [
        'Somebody gave this address as theirs at {app}. It is already the address of your account, so nothing has changed, and they were not told.',
        'If that was you: you have an account already. Sign in with this address, or ask for a new password.',
      ],
    },
    'reset-password': {
      subject: 'Choose a new password',
      lines: ['Somebody asked for a new password for your account at {app}.'],
      link: 'If that was you, open this link to choose one. If it wasn’t, do nothing: your password stays as it is.',
    },
    invitation: {
      subject: 'You are invited to {app}',
      lines: ['{inviter} invites you to {app}.'],
      linesOfNobody: ['You are invited to {app}.'],
      link: 'Open this link to choose a username and a password.',
    },
    'account-created': {
      subject: 'Your account at {app}',
      lines: ['An account was made for you at {app}. Your username is {username}.'],
      link: 'Open this link to choose a password. Nobody else sets or sees it.',
    },
    'email-changed': {
      subject: 'Your e-mail address was changed',
      lines: ['The address of your account at {app} was changed to {email}. Mail goes there from now on.'],
      link: 'If that was you, there is nothing to do. If it wasn’t you, open this link: it brings this address back, signs out every device and lets you choose a new password. It does so even if the address is changed again.',
    },
    'email-change-undone': {
      subject: 'Your e-mail address is back',
      lines: [
        'This is the address of your account at {app} again. Every device was signed out, and second factors that were added after the change were removed.',
      ],
    },
    denied: {
      subject: 'Everything of your account was ended',
      lines: [
        'Somebody opened the link of a mail from {app} and said: “That wasn’t me.” Every device was signed out, and programs with an API key of yours are refused from now on.',
      ],
    },
    'new-device': {
      subject: 'A sign-in on a new device',
      lines: ['Somebody signed in to your account at {app} on a device that was not known before.'],
    },
    'password-changed': {
      subject: 'Your password was changed',
      lines: ['The password of your account at {app} was changed. Your other devices were signed out.'],
    },
    'password-reset': {
      subject: 'Your password was reset',
      lines: [
        'A new password was chosen for your account at {app}, by a link from a mail. Every device was signed out.',
      ],
    },
    'password-change-forced': {
      subject: 'Choose a new password',
      lines: [
        'An administrator of {app} asks you to choose a new password. The former one opens nothing any more, and every device was signed out. API keys go on.',
      ],
      link: 'Open this link to choose one. If it is too old by then, ask for another on the sign-in page, under “Forgotten password”.',
    },
    'factor-added': {
      subject: 'A second factor was added: {factor}',
      lines: ['This was added to your account at {app}: {factor}.'],
    },
    'factor-removed': {
      subject: 'A second factor was removed: {factor}',
      lines: ['This was removed from your account at {app}: {factor}. Your other devices were signed out.'],
    },
    'factors-reset': {
      subject: 'Your second factors were removed',
      lines: [
        'An administrator removed every second factor of your account at {app}. Every device was signed out.',
      ],
    },
    'factor-failed': {
      subject: 'Your password was right, the second factor was not',
      lines: [
        'Somebody gave the right password of your account at {app} and a wrong code after it. Nobody was let in.',
      ],
    },
    'recovery-codes-renewed': {
      subject: 'You have new recovery codes',
      lines: [
        'New recovery codes were made for your account at {app}. The former ones open nothing any more.',
      ],
    },
    'recovery-code-used': {
      subject: 'A recovery code was used',
      lines: ['A recovery code of your account at {app} was used. Codes that are left: {left}.'],
    },
    'api-key-created': {
      subject: 'A new API key was made',
      lines: [
        'An API key was made for your account at {app}: “{key}”. Programs that hold it act in your name, as far as it allows.',
      ],
    },
    'service-key-created': {
      subject: 'You made an API key for a service',
      lines: [
        'In your name an API key was made for the service {service} at {app}: “{key}”. Programs that hold it act as that service, as far as it allows.',
      ],
      link: 'If you did this, there is nothing to do. If not, open this link: it ends the keys that were made for services in your name since then, all keys of your own, signs out every device and lets you choose a new password.',
    },
    'api-key-expiring': {
      subject: 'An API key is going to end',
      lines: [
        'The API key “{key}” at {app} ends on {until}. Programs that use it will be refused from then on. If it is still needed, rotate it and give them the new one.',
      ],
      link: 'If you know of this key, open nothing here. If you have never seen it, open this link: it ends all keys, signs out every device and lets you choose a new password.',
    },
    'identity-linked': {
      subject: 'Another sign-in service was linked to your account',
      lines: [
        'An administrator of {app} linked your account to somebody at {issuer}. From now on access tokens of that person there can act in your name here.',
      ],
      link: 'If that person is you, there is nothing to do. If not, or if you know nothing of it, open this link: it takes the link away again, signs out every device and lets you choose a new password.',
    },
    'identity-unlinked': {
      subject: 'A link to another sign-in service was taken away',
      lines: [
        'Your account at {app} was linked to somebody at {issuer}. That link was taken away: access tokens of that person no longer act in your name here.',
      ],
    },
    'refresh-token-reused': {
      subject: 'You were signed out on one device, to be safe',
      lines: [
        'An old key of one of your sessions at {app} was used again. That session was ended, to be safe. Perhaps only an answer was lost on its way; perhaps somebody has copied the key.',
      ],
    },
    'passkey-cloned': {
      subject: 'A passkey may have been copied',
      lines: [
        'A passkey of your account at {app} was refused, because it may have been copied. Remove it and add a new one.',
      ],
    },
    'sign-in-held': {
      subject: 'Many wrong passwords for your account',
      lines: [
        'Somebody gave many wrong passwords for your account at {app}. Sign-in is held on devices that are not known; on those you have signed in with before, nothing has changed.',
      ],
      link: 'To sign in on a new device, open this link there first. If you don’t want to, there is nothing to do.',
    },
    'many-failures': {
      subject: 'Many wrong passwords for your account',
      lines: [
        'Within a day somebody gave many wrong passwords for your account at {app}. None of them opened it.',
        'There is nothing that you have to do. If you use the same password elsewhere, choose one here that you use nowhere else; a second factor or a passkey makes guessing useless.',
      ],
    },
    'success-after-failures': {
      subject: 'A sign-in after many wrong passwords',
      lines: [
        'Somebody signed in to your account at {app} on a device that was not known, after many wrong passwords had been tried for it.',
      ],
    },
    'administrator-from-new-network': {
      subject: 'A sign-in from a new network',
      lines: [
        'Somebody signed in to your account at {app} from a network that it was not used from in the last three months. Your account may administer {app}, so the other administrators are told as well.',
      ],
    },
    'unusual-sign-ins': {
      subject: 'Unusual sign-ins at {app}',
      lines: [
        'You administer {app}. Sign-ins were seen there that look like attempts to get into other people’s accounts. The audit log has each of them, under events that begin with “unusual”.',
      ],
    },
    'audit-checkpoint': {
      subject: 'Checkpoint of the audit log of {app}',
      lines: [
        'Keep this mail. It holds a signed checkpoint of the audit log, by which a record that was changed later can be told from the true one: gatewright audit verify --anchor <file with this line>.',
        '{checkpoint}',
      ],
    },
  },
}
