import { Section, Table, Tile } from '../../parts/basics'
import { percent, whole } from '../../parts/words'
import type { Brought } from '../../service/bring'

export type State = 'under way' | 'broken off' | 'done'
const TITLES = { 'under way': 'Under way', 'broken off': 'Broken off', done: 'Done' }

/** Counts of the rows by outcome, and each unstored row with its reason. */
export function Outcome({ brought, state }: { brought: Brought; state: State }) {
  const { accepted, rejected, quarantined, fixed, flagged, position, by_rule, errors, share } = brought
  const unlisted = rejected + (quarantined ?? 0) - errors.length
  return (
    <Section title={TITLES[state]}>
      <progress aria-label="Share of the file" value={share} />
      <div class="tiles" aria-live="polite">
        <Tile name="Of the file" value={percent(share)} />
        <Tile name="Rows read" value={whole(position)} />
        <Tile name="Stored" value={whole(accepted)} />
        <Tile name="Refused" value={whole(rejected)} />
        {quarantined !== undefined && <Tile name="In quarantine" value={whole(quarantined)} />}
        {fixed !== undefined && <Tile name="Mended" value={whole(fixed)} />}
        {flagged !== undefined && <Tile name="Flagged" value={whole(flagged)} />}
        {Object.entries(by_rule ?? {}).map(([rule, count]) => (
          <Tile key={rule} name={`Rule ${rule}`} value={whole(count)} />
        ))}
      </div>
      {errors.length > 0 && (
        <Table label="Rows that are not stored">
          <thead>
            <tr>
              <th>Row</th>
              <th>Reason</th>
              <th>Column</th>
              <th>What became of it</th>
            </tr>
          </thead>
          <tbody>
            {errors.map(({ row, error, field, rule, action }) => (
              <tr key={row}>
                <th scope="row">{whole(row + 1)}</th>
                <td>{error}</td>
                <td>{field ?? '–'}</td>
                <td>{action === 'quarantine' ? `quarantine, by rule ${rule}` : 'refused'}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {unlisted > 0 && <p class="quiet">and {whole(unlisted)} more rows that are not stored</p>}
    </Section>
  )
}
