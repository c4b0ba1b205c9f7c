//! Rectified plates to character distributions, as the reader's card says.

use super::VisionError;
use super::card::{Card, ReaderCard, ReaderOutput};
use super::ctc::{class_map, collapse, distribution};
use super::session::{Model, Tensor};
use crate::domain::{CharDistribution, Country, PlateText};
use std::path::Path;

/// What the model says of one plate.
pub(super) struct RawReading {
    pub positions: Vec<CharDistribution>,
    pub countries: Vec<(Country, f32)>,
    pub lines: u8,
    pub readable: f32,
}

/// A reader on one thread.
pub(super) struct Reader {
    card: ReaderCard,
    classes: Vec<Option<usize>>,
    countries: Vec<Option<Country>>,
    /// Names of the outputs asked for: the text, then those of `extra_outputs`.
    outputs: Vec<String>,
    model: Model,
}

impl Reader {
    pub fn open(
        card: &Card<ReaderCard>,
        library: Option<&Path>,
        intra_threads: usize,
    ) -> Result<Self, VisionError> {
        let (outputs, classes, countries) = match &card.card.output {
            ReaderOutput::Slots { name, alphabet, none, .. } => {
                (vec![name.as_str()], class_map(alphabet, *none), Vec::new())
            }
            ReaderOutput::Ctc { name, alphabet, blank, country, countries, lines, readable, .. } => {
                let mut outputs = vec![name.as_str()];
                outputs.extend([country, lines, readable].into_iter().filter_map(|o| o.as_deref()));
                let countries = countries.iter().map(|c| Country::parse(c)).collect();
                (outputs, class_map(alphabet, *blank), countries)
            }
        };
        let input = &card.card.input.name;
        let model = Model::open(library, &card.path, &card.id, &card.bytes, intra_threads, input, &outputs)?;
        let outputs = outputs.into_iter().map(str::to_owned).collect();
        Ok(Self { card: card.card.clone(), classes, countries, outputs, model })
    }

    pub fn card(&self) -> &ReaderCard {
        &self.card
    }

    /// Reads a batch of `plates` laid out as the card's input.
    pub fn read(&mut self, plates: usize, batch: &[f32]) -> Result<Vec<RawReading>, VisionError> {
        if plates == 0 {
            return Ok(Vec::new());
        }
        let i = &self.card.input;
        let shape = [plates, 3, i.height as usize, i.width as usize];
        let outputs: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        let mut tensors = self.model.run(&i.name, shape, batch, &outputs)?.into_iter();
        let text = tensors.next();
        let [country, lines, readable] = self.extra_outputs().map(|o| o.and_then(|_| tensors.next()));
        let values =
            |t: &Option<Tensor>, n: usize| t.as_ref().map_or(Vec::new(), |t| row(t, plates, n).to_vec());
        Ok((0..plates)
            .map(|n| {
                let (positions, certainty) = self.decode(text.as_ref().map_or(&[], |t| row(t, plates, n)));
                let readable = values(&readable, n).first().copied().filter(|p| p.is_finite()).unwrap_or(1.0);
                RawReading {
                    positions,
                    countries: self.countries(&values(&country, n)),
                    lines: match *values(&lines, n) {
                        [one, two] if one >= two => 1,
                        [_, _] => 2,
                        _ => 0,
                    },
                    readable: (readable * certainty).clamp(0.0, 1.0),
                }
            })
            .collect())
    }

    /// Country, lines, readable: those the card names.
    fn extra_outputs(&self) -> [Option<&str>; 3] {
        match &self.card.output {
            ReaderOutput::Slots { .. } => [None; 3],
            ReaderOutput::Ctc { country, lines, readable, .. } => {
                [country, lines, readable].map(|o| o.as_deref())
            }
        }
    }

    /// One distribution a character, and a factor for what their product does not say: the empty places of
    /// a slot reader, the other alignments of a CTC one.
    fn decode(&self, values: &[f32]) -> (Vec<CharDistribution>, f32) {
        let width = self.classes.len().max(1);
        let steps: Vec<_> = values.chunks_exact(width).map(|s| distribution(s, &self.classes)).collect();
        let (mut positions, certainty) = match self.card.output {
            ReaderOutput::Slots { .. } => {
                let (there, empty): (Vec<_>, Vec<_>) = steps.into_iter().partition(|d| d.best().1 > d.none);
                (there, empty.iter().map(|d| d.none).product())
            }
            ReaderOutput::Ctc { .. } => {
                let (positions, whole) = collapse(&steps);
                let product: f32 = positions.iter().map(|d| d.best().1).product();
                (positions, if product > 0.0 { whole / product } else { 0.0 })
            }
        };
        positions.truncate(PlateText::MAX_LEN);
        (positions, certainty)
    }

    fn countries(&self, row: &[f32]) -> Vec<(Country, f32)> {
        let mut named: Vec<_> = self
            .countries
            .iter()
            .zip(row)
            .filter_map(|(c, &p)| c.filter(|_| p.is_finite()).map(|c| (c, p)))
            .collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1));
        named
    }
}

/// The values of the `n`-th of `count` plates.
fn row(t: &Tensor, count: usize, n: usize) -> &[f32] {
    let len = if t.shape.first() == Some(&count) && count > 0 { t.values.len() / count } else { 0 };
    t.values.get(n * len..(n + 1) * len).unwrap_or_default()
}
