//! Whose plate a text can be.

use super::grammar;
use crate::domain::{Country, PlateText};

/// Share of a country's plates that are of no series its grammar knows: an assumption, an order of magnitude. A country
/// that is named surely stays.
const UNKNOWN: f32 = 0.05;

/// Weighs the countries a reader named, likeliest first, by whether the text can be theirs: `GC3523AY` is no Bulgarian
/// plate, whose letters are twelve, and a Spanish one. How common a series is does not count: that is assumed, and
/// what the reader saw of colours and bands says more. The probabilities keep their sum. Where the likeliest has such
/// plates, as nearly always, nothing changes.
pub fn weigh_countries(text: &str, countries: &mut [(Country, f32)]) {
    let Ok(text) = PlateText::new(text) else { return };
    let can_be = |country: Country| grammar::classify(&text, Some(country)).is_some();
    if countries.first().is_none_or(|likeliest| can_be(likeliest.0)) {
        return;
    }
    let before: f32 = countries.iter().map(|c| c.1).sum();
    for (country, p) in countries.iter_mut() {
        if grammar::countries().iter().any(|c| c.0 == *country) && !can_be(*country) {
            *p *= UNKNOWN;
        }
    }
    let after: f32 = countries.iter().map(|c| c.1).sum();
    if after > 0.0 && after.is_finite() {
        countries.iter_mut().for_each(|c| c.1 *= before / after);
    }
    countries.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(text: &str, named: &[(&str, f32)]) -> (String, f32) {
        let mut countries: Vec<_> = named.iter().map(|&(c, p)| (Country::parse(c).unwrap(), p)).collect();
        weigh_countries(text, &mut countries);
        let sum: f32 = countries.iter().map(|c| c.1).sum();
        assert!((sum - named.iter().map(|c| c.1).sum::<f32>()).abs() < 1e-5);
        (countries[0].0.to_string(), countries[0].1)
    }

    #[test]
    fn a_country_without_such_plates_gives_way_to_one_with_them() {
        assert_eq!(weighed("GC3523AY", &[("BG", 0.7), ("ES", 0.2)]).0, "ES");
        assert_eq!(weighed("H2965BBB", &[("GB", 0.6), ("FR", 0.2), ("ES", 0.1)]).0, "ES");
        // Both have them: what the reader says stays.
        let (country, p) = weighed("AB123CD", &[("FR", 0.55), ("IT", 0.4)]);
        assert!(country == "FR" && (p - 0.55).abs() < 1e-6);
    }

    #[test]
    fn chosen_texts_are_belgian_plates_too() {
        for text in ["LIESBETH", "TOM99", "A-2-3"] {
            let text = text.replace('-', "");
            assert_eq!(weighed(&text, &[("BE", 0.4), ("US", 0.1), ("GB", 0.1)]).0, "BE", "{text}");
        }
        assert_eq!(weighed("", &[("BE", 0.5)]).0, "BE");
    }
}
