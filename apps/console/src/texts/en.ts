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

  registerTitle: 'Register',
  registerSubmit: 'Register',
  registerKnown: 'Registered already?',
  registerClosed: 'Registration is closed here. Ask an administrator.',

  profileTitle: 'Profile',
  profileIntro: 'What is known of you here.',
  roles: 'Roles',
  noRoles: 'None',
  memberSince: 'Member since',
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
  unknownDevice: 'Unknown device',
  unknownProgramOn: 'Unknown program on {system}',
  deviceOn: '{program} on {system}',

  confirmTitle: 'Confirm that it is you',
  confirmIntro: 'You signed in more than 10 minutes ago. Write your password once more to go on.',
  confirmSubmit: 'Confirm',

  verifyTitle: 'Verify your e-mail address',
  verifyIntro: 'One more step: confirm that this address is yours.',
  verifySubmit: 'Verify the address',
  verifyDone: 'Your e-mail address is verified.',

  notMeTitle: 'That was not me',
  notMeIntro: 'Somebody used your address or changed it, and it was not you? Undo it here.',
  notMeSubmit: 'It was not me',
  notMeDone: 'It is undone, and everybody is signed out of the account.',

  resetTitle: 'Choose a new password',
  resetIntro: 'Everybody who is signed in to the account is signed out.',
  resetSubmit: 'Set the password',
  resetDone: 'The password is set. You can sign in with it now.',

  forgotTitle: 'Forgotten password',
  forgotIntro: 'Write the e-mail address of your account. If we know it, a link is on its way to it.',
  forgotSubmit: 'Send the link',
  forgotDone: 'If this address belongs to an account, a link is on its way to it.',

  noMail: 'This server can’t send mail yet, so this does not work here. Ask an administrator.',
  linkBroken: 'This link can’t be used: it is not whole, was used before, or has expired.',
  notFoundTitle: 'There is nothing here',
  notFoundIntro: 'The address is not right, or the page has moved.',
  toAccount: 'To your account',

  errorInvalidCredentials: 'The username or the password is wrong.',
  errorWrongPassword: 'The password is wrong.',
  errorUsernameTaken: 'This username is taken. Choose another.',
  errorUsername:
    'This username can’t be used. Take 2 to 40 letters of one script or digits, and “.”, “_” or “-” only between them.',
  errorEmail: 'This is not an e-mail address.',
  errorPasswordTooShort: 'The password is too short: {minimum} characters or more.',
  errorPasswordBlocklisted: 'This password is known to attackers. Choose another.',
  errorPassword: 'This password can’t be used. Choose a shorter one, or one without odd characters.',
  errorRateLimited: 'Too many attempts. Wait a moment.',
  errorUnavailable: 'The service is not available at the moment. Try again soon.',
  errorUnreachable: 'The server does not answer. Try again.',
  errorSessionEnded: 'Your session has ended. Sign in again.',
  errorForbidden: 'You may not do this.',
  errorOtherAddress: 'This is refused from here. Open {address} and try again.',
  errorOther: 'That did not work ({code}). Try again.',
} as const

/** Every language has all of them. */
export type Texts = { readonly [Name in keyof typeof en]: string }
export type TextName = keyof Texts
