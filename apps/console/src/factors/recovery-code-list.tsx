import { Button, Checkbox, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { usePageSettings } from '../api/use-api.ts'
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

const download = (name: string, content: string): void => {
  const address = URL.createObjectURL(new Blob([content], { type: 'text/plain' }))
  const link = document.createElement('a')
  Object.assign(link, { href: address, download: name })
  link.click()
  URL.revokeObjectURL(address)
}

type RecoveryCodeListProps = {
  readonly codes: readonly string[]
  readonly onKept: () => void
}

/** The codes, once: to be copied, printed or downloaded before it goes on. */
export const RecoveryCodeList = ({ codes, onKept }: RecoveryCodeListProps) => {
  const { text } = useTexts()
  const file = useFile(codes)
  const [copied, setCopied] = useState<'recoveryCopied' | 'recoveryNotCopied'>()
  const [isKept, setKept] = useState(false)
  const copy = (): void => {
    navigator.clipboard.writeText(codes.join('\n')).then(
      () => setCopied('recoveryCopied'),
      () => setCopied('recoveryNotCopied'),
    )
  }
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
      <Group gap="xs">
        <Button variant="default" onClick={copy}>
          {text('recoveryCopy')}
        </Button>
        <Button variant="default" onClick={() => print()}>
          {text('recoveryPrint')}
        </Button>
        <Button variant="default" onClick={() => download(file.name, file.content)}>
          {text('recoveryDownload')}
        </Button>
        <Text role="status" size="sm">
          {copied && text(copied)}
        </Text>
      </Group>
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
