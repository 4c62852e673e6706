import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../texts/use-texts.tsx'
import { download } from './download.ts'

type KeepProps = {
  /** What is copied. */
  readonly content: string
  /** The same as a file that says by itself what it is for. */
  readonly file: { readonly name: string; readonly content: string }
  /** What stands on the page with `data-print` goes on paper as well. */
  readonly isPrinted?: boolean
}

/** The ways to keep what is shown once. */
export const Keep = ({ content, file, isPrinted = false }: KeepProps) => {
  const { text } = useTexts()
  const [copied, setCopied] = useState<'recoveryCopied' | 'recoveryNotCopied'>()
  const copy = (): void => {
    navigator.clipboard.writeText(content).then(
      () => setCopied('recoveryCopied'),
      () => setCopied('recoveryNotCopied'),
    )
  }
  return (
    <Group gap="xs">
      <Button variant="default" onClick={copy}>
        {text('recoveryCopy')}
      </Button>
      {isPrinted && (
        <Button variant="default" onClick={() => print()}>
          {text('recoveryPrint')}
        </Button>
      )}
      <Button
        variant="default"
        onClick={() => download(file.name, new Blob([file.content], { type: 'text/plain' }))}
      >
        {text('recoveryDownload')}
      </Button>
      <Text role="status" size="sm">
        {copied && text(copied)}
      </Text>
    </Group>
  )
}
