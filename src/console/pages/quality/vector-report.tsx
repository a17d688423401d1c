import { Section, Tile } from '../../parts/basics'
import { Histogram } from '../../parts/histogram'
import { linkTo } from '../../parts/place'
import { percent, short, whole } from '../../parts/words'
import { writeJson } from '../../service/exact-json'
import type { VectorQuality } from '../../service/quality'
import type { PointId } from '../../service/types'

/** Groups and hubs shown: the largest. */
const MOST = 10

/** The figures of one vector. */
export function VectorReport({ collection, vector }: { collection: string; vector: VectorQuality }) {
  const { name, sampled, norms, constant_dimensions, intrinsic_dimension, near_duplicates, hubs, notes } = vector
  return (
    <Section title={name || 'Unnamed vector'} beside={<span class="quiet">{whole(sampled)} points looked at</span>}>
      <div class="tiles">
        {intrinsic_dimension && (
          <Tile
            name="Intrinsic dimension"
            value={short(intrinsic_dimension.value)}
            beside={`± ${short(intrinsic_dimension.standard_error)}, of ${vector.size}`}
          />
        )}
        {constant_dimensions && <Tile name="Dimensions that never vary" value={whole(constant_dimensions.count)} />}
        {near_duplicates && (
          <Tile
            name="Near duplicates"
            value={percent(near_duplicates.rate)}
            beside={`score from ${short(near_duplicates.threshold)}`}
          />
        )}
        {hubs && (
          <Tile name="Hubs" value={`skew ${short(hubs.skew)}`} beside={`${percent(hubs.antihubs)} in no list`} />
        )}
        {norms && <Tile name="Zero vectors" value={whole(norms.zero)} />}
      </div>
      <div class="columns">
        {norms?.measured === 'stored' && (
          <div>
            <p>
              Norms <span class="quiet">median {short(norms.median)}</span>
            </p>
            <Histogram
              label={`Norms of ${name || 'the vector'}, median ${short(norms.median)}`}
              counts={norms.histogram}
              ends={[short(norms.least), short(norms.greatest)]}
            />
          </div>
        )}
        {near_duplicates && near_duplicates.groups.length > 0 && (
          <div>
            <p>Largest groups of near duplicates</p>
            <ol>
              {near_duplicates.groups.slice(0, MOST).map(({ size, ids }) => (
                <li key={String(ids[0])}>
                  {whole(size)} points: <Ids collection={collection} using={name} ids={ids} />
                </li>
              ))}
            </ol>
          </div>
        )}
        {hubs && hubs.hubs.length > 0 && (
          <div>
            <p>Points in most lists of neighbours</p>
            <ol>
              {hubs.hubs.slice(0, MOST).map(({ id, count }) => (
                <li key={String(id)}>
                  <Ids collection={collection} using={name} ids={[id]} /> in {whole(count)}
                </li>
              ))}
            </ol>
          </div>
        )}
      </div>
      {notes.map((note) => (
        <p key={note} class="quiet small">
          {note}
        </p>
      ))}
    </Section>
  )
}

function Ids({ collection, using, ids }: { collection: string; using: string; ids: readonly PointId[] }) {
  return ids.slice(0, MOST).map((id) => (
    <>
      <a key={String(id)} href={linkTo(['collections', collection, 'query'], { id: writeJson(id), using })}>
        {String(id)}
      </a>{' '}
    </>
  ))
}
