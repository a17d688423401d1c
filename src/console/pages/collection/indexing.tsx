import { ErrorLine, Meter, Section, Tile } from '../../parts/basics'
import { bytes, percent, whole } from '../../parts/words'
import { useAsked } from '../../service/polled'
import { ask } from '../../service/session'
import type { CollectionInfo } from '../../service/types'

interface Optimizations {
  summary: { queued_points: number; idle_segments: number }
  running: { uuid: string; optimizer: string; progress: { done: number; total: number } }[]
}

const LOOK_EVERY_MS = 4_000

/** Segments, and how far the index has come. */
export function Indexing({ path, info }: { path: string; info: CollectionInfo }) {
  const { segments_count, indexed_vectors_count, vectors_count, tail_bytes } = info
  const work = useAsked(
    (signal) => ask<Optimizations>('GET', `${path}/optimizations`, undefined, signal),
    [path],
    LOOK_EVERY_MS,
  )
  const share = vectors_count === 0 ? 1 : indexed_vectors_count / vectors_count
  const running = work.value?.running ?? []
  const idle = work.value?.summary.idle_segments
  return (
    <Section title="Segments and index">
      <div class="tiles">
        <Tile
          name="Segments"
          value={whole(segments_count)}
          {...(idle === undefined ? {} : { beside: `${whole(idle)} at rest` })}
        />
        <Tile
          name="Vectors in the index"
          value={whole(indexed_vectors_count)}
          beside={`${percent(share)} of ${whole(vectors_count)}`}
        />
        <Tile
          name="Not indexed yet"
          value={whole(Math.max(0, vectors_count - indexed_vectors_count))}
          beside={`${bytes(tail_bytes)} in the tail, which is scanned`}
        />
      </div>
      <Meter share={share} label={`Vectors in the index: ${percent(share)}`} />
      <p class="quiet small" role="status">
        {running.length === 0
          ? work.value && 'No segment is being built.'
          : running
              .map(
                ({ optimizer, progress: { done, total } }) => `${optimizer}: ${whole(done)} of ${whole(total)} vectors`,
              )
              .join(', ')}
      </p>
      <ErrorLine error={work.error} />
    </Section>
  )
}
