import { Badge, Group } from '@mantine/core'

/** Short words side by side; `none` where there is none. */
export const Badges = ({ names, none }: { readonly names: readonly string[]; readonly none: string }) =>
  names.length === 0 ? (
    none
  ) : (
    <Group gap="xs">
      {names.map(name => (
        <Badge key={name} variant="light">
          {name}
        </Badge>
      ))}
    </Group>
  )
