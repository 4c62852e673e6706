import { Link } from '../forms/link.tsx'
import { Warning } from '../forms/notice.tsx'
import { usePath } from '../router.ts'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

const securityPath = '/me/security'

/** Says to an administrator that what administers counts only beside a second factor, and where there is one. */
export const WaitingPermissions = () => {
  const { text } = useTexts()
  const path = usePath()
  const { withheld_permissions: waiting } = useUser()
  if (waiting.length === 0) return null
  return (
    <Warning>
      {text('permissionsWait', { permissions: waiting.join(', ') })}{' '}
      {path !== securityPath && <Link to={securityPath}>{text('toSecurity')}</Link>}
    </Warning>
  )
}
