interface Parts<Start> {
  /** The beginnings of the pages up to the shown one. */
  starts: readonly Start[]
  /** The number of the shown page, where the beginnings of some before it are not known. */
  page?: number
  /** Of the page after it; null at the end. */
  next: Start | null
  onTurn: (starts: Start[]) => void
}

/** Back and forth among pages that are found by where they begin. */
export function Pager<Start>({ starts, page = starts.length, next, onTurn }: Parts<Start>) {
  return (
    <p class="row">
      <button type="button" disabled={starts.length === 1} onClick={() => onTurn(starts.slice(0, -1))}>
        {starts.length === 2 && page > 2 ? 'First page' : 'Back'}
      </button>
      <span class="quiet">Page {page}</span>
      <button type="button" disabled={next === null} onClick={() => next !== null && onTurn([...starts, next])}>
        Next
      </button>
    </p>
  )
}
