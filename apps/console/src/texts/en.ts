import { enAdministration } from './en-administration.ts'
import { enAudit } from './en-audit.ts'
import { enInstallation } from './en-installation.ts'

/** English, and with it the names of all texts. What stands in braces is filled in. */
export const en = {
  skip: 'Skip to the content',
  language: 'Language',
  coloursAuto: 'Colours: as the device',
  coloursLight: 'Colours: light',
  coloursDark: 'Colours: dark',
  loading: 'Loading',
  close: 'Close',
  cancel: 'Cancel',
  tryAgain: 'Try again',
  tryAgainIn: 'Try again in {seconds} s',
  goOn: 'Go on',
  or: 'or',
  rename: 'Rename',
  renameOf: 'Rename {name}',
  remove: 'Remove',
  removeOf: 'Remove {name}',
  account: 'Your account',
  signOut: 'Sign out',
  signedInAs: 'Signed in as {username}',

  username: 'Username',
  usernameHint: '2 to 40 letters or digits; “.”, “_” and “-” between them.',
  passwordLabel: 'Password',
  passwordHint: '{minimum} characters or more. A sentence is easy to remember.',
  passwordProgress: '{length} of {minimum} characters',
  passwordLongEnough: 'Long enough',
  showPassword: 'Show the password',
  strengthGood: 'Hard to guess.',
  strengthWeak: 'Easy to guess, so it can’t be used.',
  strengthStraightRow: 'It has a row of keys.',
  strengthKeyPattern: 'It has a pattern of keys.',
  strengthRepeat: 'It repeats a character.',
  strengthRepeatedPattern: 'It repeats itself.',
  strengthSequence: 'It has a sequence like “abc”.',
  strengthYears: 'It has a recent year.',
  strengthDates: 'It has a date.',
  strengthCommon: 'Many people use it.',
  strengthNearlyCommon: 'It is much like one that many people use.',
  strengthOneWord: 'It is a single word.',
  strengthNames: 'It is made of common names.',
  strengthOwnNames: 'It is made of your own names, or of those of this service.',
  strengthAvoidLeet: 'An “@” for an “a” is what attackers try as well.',
  strengthAvoidReversed: 'A word backwards is what attackers try as well.',
  strengthAvoidDates: 'Take no dates and years.',
  strengthAvoidSequences: 'Take no sequences.',
  strengthAvoidRepeats: 'Take no word or character twice.',
  strengthMoreWords: 'Add words that are less common; signs and digits are not needed.',
  newPassword: 'New password',
  currentPassword: 'Current password',
  email: 'E-mail address',
  emailOptional: 'E-mail address (optional)',

  setUpTitle: 'Make the first administrator',
  setUpIntro:
    'This link works once. The name and the password that you choose here are those of the administrator.',
  setUpSubmit: 'Make the administrator',
  setUpNoLink:
    'Open this page by the set-up link that the first start printed on the terminal. Lost it? “gatewright setup-link” prints a new one.',
  accountMade: 'Your account is made. Sign in now.',

  signInTitle: 'Sign in',
  signInSubmit: 'Sign in',
  signInNew: 'New here?',
  signInRegister: 'Register',
  signInFirst:
    'There is no administrator yet. To make one, open the set-up link that the first start printed on the terminal. Lost it? “gatewright setup-link” prints a new one.',
  signedOut: 'You are signed out.',
  sessionOver: 'Your session has ended. Sign in to go on.',
  signInOver: 'That took too long, or was tried too often. Begin again with your password.',
  signInAgain: 'Begin again',
  signInByPasskey: 'Sign in with a passkey',
  signInHeld:
    'Are you sure of both? After many wrong passwords a new device has to wait. If your address is verified, there is a link in your mail that lets this device sign in.',

  registerTitle: 'Register',
  registerSubmit: 'Register',
  registerKnown: 'Registered already?',
  registerClosed: 'Registration is closed here. Ask an administrator.',

  invitationTitle: 'You are invited',
  invitationIntro:
    'Choose a username and a password. The address is the one that the invitation was sent to.',
  registerInviteOnly:
    'Only who was invited may register here. An invitation comes by mail; an administrator sends it.',

  profileTitle: 'Profile',
  profileIntro: 'What is known of you here.',
  roles: 'Roles',
  noRoles: 'None',
  permissionsWait:
    'What you may do as an administrator waits for a second factor. Set one up; if you have one already, sign out and sign in with it. Waiting: {permissions}.',
  toSecurity: 'To the second factors',
  memberSince: 'Member since',
  mailLanguage: 'Language of mails',
  saved: 'Saved.',
  newDevices: 'Sign-in on new devices',
  newDevicesDelayed:
    'Delayed until {time}: somebody has tried wrong passwords. Devices on which you have signed in before are not affected.',
  noEmail: 'None',
  emailVerified: 'verified',
  emailUnverified: 'not verified',

  passwordTitle: 'Password',
  passwordIntro: 'Changing it signs you out on every other device.',
  passwordSubmit: 'Change the password',
  passwordChanged: 'The password is changed. All other devices are signed out.',

  emailTitle: 'E-mail',
  emailIntro:
    'Where a link goes when you have forgotten your password, and where you are told of what happens to your account.',
  emailMissing:
    'Without a verified address nobody can send you a link when you have forgotten your password. Keep recovery codes for a lost phone or passkey.',
  noMailSent:
    'This server sends no mail, so it can send no link when you have forgotten your password: then ask an administrator. Keep recovery codes for a lost phone or passkey.',
  toRecoveryCodes: 'To the recovery codes',
  newEmail: 'New e-mail address',
  emailSubmit: 'Send the link',
  emailResend: 'Send the link once more',
  emailSent: 'A link is on its way to {email}. The address counts once you have opened the link.',

  devicesTitle: 'Devices',
  devicesIntro: 'Where you are signed in. If you do not know one of them, end it and change your password.',
  thisDevice: 'This device',
  lastUsed: 'Last used {time}',
  signedInAt: 'Signed in {time}',
  endDevice: 'End',
  endDeviceOf: 'End {device}, {address}',
  endOthers: 'End all others',
  noOthers: 'You are signed in nowhere else.',
  deviceEnded: 'That device is signed out.',
  othersEnded: 'All other devices are signed out.',
  knownTitle: 'Browsers that are known',
  knownIntro:
    'You have signed in with these before. While strangers guess at your password, a browser that is known does not have to wait. It signs nobody in by itself.',
  knownNone: 'None is known.',
  knownSince: 'Known since {time}',
  knownForget: 'Forget',
  knownForgetOf: 'Forget {device}',
  knownForgetEnds: 'At its next sign-in it counts as a new one.',
  knownForgetKeeps: 'Where you are signed in you stay signed in.',
  knownForgetBack: 'It can be undone for ten minutes.',
  knownForgotten: '{device} is forgotten.',
  knownBack: '{device} is known again.',
  errorUndoLate: 'It is too late to undo this.',
  unknownDevice: 'Unknown device',
  unknownProgramOn: 'Unknown program on {system}',
  deviceOn: '{program} on {system}',

  confirmTitle: 'Confirm that it is you',
  confirmIntro: 'To go on, show once more that you are who signed in.',
  confirmSubmit: 'Confirm',

  provePasskeyIntro: 'Use a passkey. Your browser will ask for it.',
  provePasskey: 'Use the passkey',
  chooseProvePasskey: 'Use a passkey instead',
  proveAuthenticatorIntro: 'Write the code that your authenticator app shows now.',
  chooseProveAuthenticator: 'Use the authenticator app instead',
  provePasswordIntro: 'Write your password.',
  chooseProvePassword: 'Use the password instead',
  proveRecoveryIntro: 'Write one of your recovery codes. Each works once.',
  chooseProveRecovery: 'Use a recovery code instead',
  proveNothing: 'This browser can’t show what is asked for. Use one that knows passkeys.',
  resetNothing:
    'A link can’t show a passkey, and no recovery code is left. Sign in with the passkey: that needs no password.',

  securityTitle: 'Security',
  securityIntro: 'A second factor stands beside your password: whoever has only the password can’t sign in.',
  addedAt: 'Added {time}',
  neverUsed: 'Never used',
  refusedSince: 'Refused since {time}: it may have been copied. Remove it and add a new one.',
  passkeys: 'Passkeys',
  passkeysIntro:
    'A passkey signs you in by the lock of your device or by a security key, without a password. It works on this site alone, so no forged page can take it.',
  passkeysUnknown: 'This browser knows no passkeys.',
  passkeyName: 'Name of the passkey',
  passkeyNameHint: 'By which you know it again, for example “Laptop” or “Blue key”.',
  passkeyAdd: 'Add a passkey',
  authenticator: 'Authenticator app',
  authenticatorIntro: 'An app on your phone that shows a new code of six digits every 30 seconds.',
  authenticatorAdd: 'Set up an app',
  authenticatorScan: 'Scan this picture with your authenticator app.',
  authenticatorPicture: 'QR code for the authenticator app. The key below says the same.',
  authenticatorType: 'Or type this key into it:',
  authenticatorCode: 'Code from the app',
  authenticatorCodeHint: 'The six digits that it shows now.',
  authenticatorConfirm: 'Add the app',
  recoveryCodes: 'Recovery codes',
  recoveryCode: 'Recovery code',
  recoveryIntro: 'For the day when neither the app nor a passkey is at hand. Each works once.',
  recoveryLeft: 'Codes left: {left}',
  recoveryRenew: 'Make new codes',
  recoveryOnce:
    'These are your recovery codes. Nobody can show them again. Keep them where you keep important papers, not on this device alone. Codes from before work no more.',
  recoveryCopy: 'Copy',
  recoveryPrint: 'Print',
  recoveryDownload: 'Download',
  recoveryCopied: 'Copied.',
  recoveryNotCopied: 'The browser did not let us copy them.',
  recoveryKept: 'I have kept these codes',
  recoveryFile: 'Recovery codes of {username} for {app}. Each works once.',
  removeTitle: 'Remove this factor?',
  removeIntro: '“{name}” proves nothing any more then, and all other devices are signed out.',
  removeNeedsPassword:
    'This is your last second factor, and your password is too short to stand alone. Choose a longer one first:',
  removed: '“{name}” is removed. All other devices are signed out.',
  offerIntro:
    'It is added. Other devices stay signed in as they were. If you are not sure of each of them, sign them out now.',
  offerKeep: 'Keep them',

  verifyTitle: 'Verify your e-mail address',
  verifyIntro: 'One more step: confirm that this address is yours.',
  verifySubmit: 'Verify the address',
  verifyDone: 'Your e-mail address is verified.',

  undoTitle: 'Bring the old address back',
  undoIntro:
    'The address of your account was changed, and it was not you? This brings this one back, signs out every device, ends the password and removes second factors that were added since. Then you choose a new password.',
  undoSubmit: 'Bring it back',
  undoDone: 'Your old address is back, and every device is signed out.',
  undoTaken:
    'Every device is signed out. This address belongs to another account by now and was not brought back: ask an administrator.',

  notMeTitle: 'That was not me',
  notMeIntro:
    'You were told of something that was not you? This signs out every device, ends the password and removes second factors that were added since. Then you choose a new password.',
  notMeSubmit: 'It was not me',
  notMeDone: 'Every device is signed out. Now choose a new password.',
  notMeElsewhere:
    'Every device is signed out. This is not the address of the account any more, so no new password is chosen here: ask for one with the address that is.',

  proveAddressTitle: 'Sign in on this device',
  proveAddressIntro:
    'Somebody has tried many wrong passwords, so new devices have to wait. This shows that the address is yours, and lets this device sign in.',
  proveAddressSubmit: 'Let this device sign in',
  proveAddressDone: 'You can sign in on this device now.',

  resetTitle: 'Choose a new password',
  resetIntro: 'Every device of the account is signed out, and its API keys end.',
  resetSubmit: 'Set the password',
  resetDone: 'The password is set. You can sign in with it now.',

  reviewTitle: 'Is all of this yours?',
  reviewIntro:
    'Your password is new. Somebody who was in your account before may have added something that opens it still. Look at it once.',
  reviewFactors: 'What signs in beside your password',
  reviewNothing: 'Nothing: your password is all there is.',
  reviewEnded:
    'All other devices were signed out. API keys of before have ended; a program that needs one gets a new one.',
  reviewKeys: 'Your API keys',
  reviewYes: 'All of it is mine',
  reviewNo: 'Something is not mine',

  passwordDueFirst:
    'A new password is due before you are signed in. Choose one that you have not used here; then sign in with it.',
  forgotTitle: 'Forgotten password',
  forgotIntro: 'Write the e-mail address of your account. If we know it, a link is on its way to it.',
  forgotSubmit: 'Send the link',
  forgotDone: 'If this address belongs to an account, a link is on its way to it.',

  noMail:
    'This server sends no mail, so this does not work here. Ask an administrator. If you have lost a second factor only, sign in with a recovery code.',
  linkBroken: 'This link can’t be used: it is not whole, was used before, or has expired.',
  notFoundTitle: 'There is nothing here',
  notFoundIntro: 'The address is not right, or the page has moved.',
  toAccount: 'To your account',

  errorInvalidCredentials: 'The username or the password is wrong.',
  errorPasskey: 'This passkey signs nobody in here.',
  errorPasskeyUnused: 'No passkey was used. Try again, or take another way.',
  errorPasskeyKnown: 'This device or key has a passkey of your account already.',
  errorCode: 'This code is not right, or was used before.',
  errorWrongPassword: 'The password is wrong.',
  errorUsernameTaken: 'This username is taken. Choose another.',
  errorUsername:
    'This username can’t be used. Take 2 to 40 letters of one script or digits, and “.”, “_” or “-” only between them.',
  errorEmail: 'This is not an e-mail address.',
  errorPasswordTooShort: 'The password is too short: {minimum} characters or more.',
  errorPasswordBlocklisted: 'This password is easy to guess or known to attackers. Choose another.',
  errorPasswordSame: 'This is the password that you have. Choose another.',
  errorPassword: 'This password can’t be used. Choose a shorter one, or one without odd characters.',
  errorRateLimited: 'Too many attempts. Wait a moment.',
  errorUnavailable: 'The service is not available at the moment. Try again soon.',
  errorUnreachable: 'The server does not answer. Try again.',
  errorSessionEnded: 'Your session has ended. Sign in again.',
  errorForbidden: 'You may not do this.',
  errorOtherAddress: 'This is refused from here. Open {address} and try again.',
  errorOther: 'That did not work ({code}). Try again.',

  ...enAdministration,
  ...enInstallation,
  ...enAudit,
} as const

/** Every language has all of them. */
export type Texts = { readonly [Name in keyof typeof en]: string }
export type TextName = keyof Texts
