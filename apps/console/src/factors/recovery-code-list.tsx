import { Button, Checkbox, Text } from '@mantine/core'
import { useState } from 'react'
import { usePageSettings } from '../api/use-api.ts'
import { Keep } from '../forms/keep.tsx'
import { Warning } from '../forms/notice.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './recovery-code-list.module.css'

type File = { readonly title: string; readonly name: string; readonly content: string }

/** As a file that says by itself what it is for. */
const useFile = (codes: readonly string[]): File => {
  const { text } = useTexts()
  const { app_name: app } = usePageSettings()
  const { username } = useUser()
  const title = text('recoveryFile', { app, username })
  return {
    title,
    name: `recovery-codes-${username}.txt`,
    content: [title, '', ...codes, ''].join('\n'),
  }
}

type RecoveryCodeListProps = {
  readonly codes: readonly string[]
  readonly onKept: () => void
}

/** The codes, once: to be copied, printed or downloaded before it goes on. */
export const RecoveryCodeList = ({ codes, onKept }: RecoveryCodeListProps) => {
  const { text } = useTexts()
  const file = useFile(codes)
  const [isKept, setKept] = useState(false)
  return (
    <>
      <Warning>{text('recoveryOnce')}</Warning>
      <Text>{file.title}</Text>
      <ol className={styles.codes} data-print>
        {codes.map(code => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <Keep content={codes.join('\n')} file={file} isPrinted />
      <Checkbox
        label={text('recoveryKept')}
        checked={isKept}
        onChange={({ currentTarget: { checked } }) => setKept(checked)}
      />
      <Button disabled={!isKept} onClick={onKept}>
        {text('goOn')}
      </Button>
    </>
  )
}
