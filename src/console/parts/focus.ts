/** Where the focus goes, so that it is never lost to the body of the document. */
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

/**
 * A dialog that is open as long as it is shown. It opens as it is drawn, so that the next key press goes to it. Closing it
 * gives the focus back to where it was, or else to the content. `onDismiss` is called if the browser closes it, as by Escape.
 */
export function useDialog(onDismiss: () => void): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null)
  const dismiss = useRef(onDismiss)
  dismiss.current = onDismiss
  useLayoutEffect(() => {
    const shown = dialog.current as HTMLDialogElement
    const dismissed = () => dismiss.current()
    const before = document.activeElement
    shown.addEventListener('close', dismissed)
    shown.showModal()
    return () => {
      shown.removeEventListener('close', dismissed)
      shown.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true })
      if (document.activeElement === document.body) focusContent()
    }
  }, [])
  return dialog
}

/** Moves the focus to the heading of the page, or to its content as long as it has none. Neither shows a frame. */
export function focusContent(): void {
  const main = document.getElementById('main')
  const heading = main?.querySelector('h1')
  if (heading) heading.tabIndex = -1
  const holder = heading ?? main
  holder?.focus({ preventScroll: true })
}

/**
 * Gives the focus to the heading where its holder is taken from the page, such as the button of a deleted row. A heading that
 * comes late, with an answer, takes the focus from the content.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    let last: Element | null = null
    const moved = ({ target }: FocusEvent) => {
      last = target as Element
    }
    const seen = new MutationObserver(() => {
      if (document.activeElement?.id === 'main') focusContent()
      if (last === null || last.isConnected) return
      last = null
      if (document.activeElement === document.body) focusContent()
    })
    addEventListener('focusin', moved)
    seen.observe(document.body, { childList: true, subtree: true })
    return () => {
      removeEventListener('focusin', moved)
      seen.disconnect()
    }
  }, [])
}
