import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { leave, usePath } from '../router.ts'
import { tellOtherTabs, useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { administrationPaths, findView, home, userPaths } from '../views.tsx'
import styles from './frame.module.css'

/** The own pages and what somebody administers, who is signed in, and the way out. */
export const Navigation = () => {
  const { text } = useTexts()
  const { username, permissions } = useUser()
  const administered = administrationPaths(permissions)
  return (
    <nav className={styles.navigation} aria-label={text('account')}>
      <div className={styles.who}>{text('signedInAs', { username })}</div>
      <Links paths={userPaths} label={text('account')} />
      {administered.length > 0 && (
        <>
          <div className={styles.part}>{text('administration')}</div>
          <Links paths={administered} label={text('administration')} />
        </>
      )}
      <SignOut />
    </nav>
  )
}

/** The list of all is current as well while one of them is shown. */
const isCurrent = (path: string, to: string): boolean =>
  path === to || (findView(path).isUnlisted === true && path.replace(/\/[^/]+$/, '') === to && to !== home)

const Links = ({ paths, label }: { readonly paths: readonly string[]; readonly label: string }) => {
  const { text } = useTexts()
  const path = usePath()
  return (
    <ul className={styles.links} aria-label={label}>
      {paths.map(to => (
        <li key={to}>
          <Link to={to} className={styles.link} isCurrent={isCurrent(path, to)}>
            {text(findView(to).title)}
          </Link>
        </li>
      ))}
    </ul>
  )
}

const SignOut = () => {
  const { text } = useTexts()
  const api = useApi()
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => {
      tellOtherTabs()
      leave('/sign-in', { notice: 'signedOut' })
    },
  })
  return (
    <>
      <ProblemNotice error={signOut.error} />
      <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        {text('signOut')}
      </Button>
    </>
  )
}
