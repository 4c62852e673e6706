import type { Dice } from './dice.ts'

/** Somebody of the day, as the plan knows one. */
export type Person = {
  readonly username: string
  readonly email: string
  readonly password: string
  readonly roles: readonly string[]
  /** Where this person is at home, in a network that is kept for examples (RFC 5737, RFC 3849). */
  readonly address: string
  readonly device: string
  /** Most sign-ins of these have a second half. */
  readonly hasApp: boolean
}

const names = [
  ...['amina', 'bjarne', 'chiara', 'dmitri', 'elif', 'fatima', 'georg', 'hanako', 'ines', 'jamal'],
  ...['katya', 'liang', 'mateo', 'nadia', 'oskar', 'priya', 'quentin', 'rosa', 'samir', 'tomoko'],
  ...['umar', 'valeria', 'wenjie', 'xiulan', 'yusuf', 'zofia', 'anton', 'beatriz', 'cheng', 'daniela'],
  ...['emeka', 'freya', 'goran', 'hui', 'ivana', 'jorge', 'kwame', 'leila', 'marek', 'noor'],
] as const

const devices = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
] as const

const addressOf = (dice: Dice, place: number): string =>
  dice.happens(0.25) ? `2001:db8:${place + 1}::${dice.below(200) + 1}` : `198.51.100.${place + 1}`

const roleOf = (place: number): string => (place === 1 ? 'moderator' : 'user')

/** So many people; as many as there are names at most. */
export const makePeople = (dice: Dice, count: number): readonly Person[] =>
  names.slice(0, count).map((username, place) => ({
    username,
    email: `${username}@example.org`,
    password: `demo ${dice.text(18)}`,
    roles: [roleOf(place)],
    address: addressOf(dice, place),
    device: dice.pick(devices),
    hasApp: place % 5 === 2,
  }))

/** Whoever looks after all of them, and looks at the console afterwards. */
export const administrator = 'ada'

export const administratorDevice = devices[2]
