import { useCallback, useState } from 'react'

/** How wide an element is, in pixels; 0 until it is known. As a ref of that element. */
export const useWidth = (): readonly [
  ref: (element: Element | null) => (() => void) | undefined,
  width: number,
] => {
  const [width, setWidth] = useState(0)
  const ref = useCallback((element: Element | null) => {
    if (element === null) return undefined
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [ref, width]
}
