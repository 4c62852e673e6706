import type { Statistics } from '../api/installation-answers.ts'
import { Link } from '../forms/link.tsx'
import { useUser } from '../session.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './tile.module.css'

type Detail = { readonly text: TextName; readonly count: (found: Statistics) => number }

/** One number, what it counts, and where more of it stands for whoever may see that. */
type Figure = {
  readonly title: TextName
  readonly to: string
  readonly needs: string
  readonly count: (found: Statistics) => number
  readonly details?: readonly Detail[]
}

const figures: readonly Figure[] = [
  {
    title: 'usersTitle',
    to: '/admin/users',
    needs: 'users:write',
    count: ({ users }) => users.total,
    details: [
      { text: 'figureDisabled', count: ({ users }) => users.disabled },
      { text: 'figureWithFactor', count: ({ users }) => users.with_second_factor },
    ],
  },
  {
    title: 'figureAdministrators',
    to: '/admin/users',
    needs: 'users:write',
    count: ({ administrators }) => administrators.total,
    details: [
      {
        text: 'figureWithoutFactor',
        count: ({ administrators }) => administrators.without_second_factor,
      },
    ],
  },
  {
    title: 'openSessions',
    to: '/admin/sessions',
    needs: 'sessions:write',
    count: ({ sessions }) => sessions,
  },
  { title: 'apiKeysTitle', to: '/admin/api-keys', needs: 'api-keys:write', count: found => found.api_keys },
  { title: 'servicesTitle', to: '/admin/services', needs: 'users:write', count: ({ services }) => services },
  {
    title: 'invitationsOpen',
    to: '/admin/invitations',
    needs: 'users:write',
    count: ({ invitations }) => invitations,
  },
]

/** How many there are of what. */
export const Figures = ({ statistics }: { readonly statistics: Statistics }) => {
  const { text, language } = useTexts()
  const { permissions } = useUser()
  const say = (count: number): string =>
    count.toLocaleString(language) + (count === statistics.most ? '+' : '')
  return (
    <ul className={styles.tiles}>
      {figures.map(({ title, to, needs, count, details = [] }) => (
        <li key={title} className={styles.plain}>
          <span className={styles.title}>
            {permissions.includes(needs) ? <Link to={to}>{text(title)}</Link> : text(title)}
          </span>
          <span className={styles.count}>{say(count(statistics))}</span>
          {details.map(detail => (
            <span key={detail.text}>{text(detail.text, { count: say(detail.count(statistics)) })}</span>
          ))}
        </li>
      ))}
    </ul>
  )
}
