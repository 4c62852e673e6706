import { createPasswordStrength, type PasswordStrength } from '../users/password-strength.ts'

/** Ends by itself after a minute without a question, and keeps no process alive. */
const shared = createPasswordStrength()

/**
 * One thread measures passwords for all test apps of a process: to read its dictionaries takes a third of a second,
 * which is more than most tests. To the app it is its own.
 */
export const shareStrength = (): PasswordStrength => {
  let isAsked = false
  const asked = (): PasswordStrength => {
    isAsked = true
    return shared
  }
  return {
    measure: (...question) => asked().measure(...question),
    show: (...question) => asked().show(...question),
    stop: async () => {},
    isLoaded: () => isAsked && shared.isLoaded(),
  }
}
