import { Group, Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './dialog.module.css'

type DialogProps = {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Stands before the page and holds the focus until it is answered or closed. */
export const Dialog = ({ title, isOpen, onClose, children }: DialogProps) => {
  const { text } = useTexts()
  return (
    <Modal.Root
      opened={isOpen}
      onClose={onClose}
      classNames={{ content: styles.dialog }}
      radius="lg"
      centered
    >
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body p="lg">
          <Group justify="space-between" wrap="nowrap" mb="xs">
            <Modal.Title className={styles.title}>{title}</Modal.Title>
            <Modal.CloseButton aria-label={text('close')} />
          </Group>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
