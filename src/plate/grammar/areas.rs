//! District codes: which letters may stand where a plate names the place of registration.
//!
//! Only lists that are closed, or that a catch-all rule of the country stands beside, narrow anything: a code
//! missing here must never turn a true plate into a misread one.

/// District codes a text must carry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Areas {
    /// The codes, in alphabetical order, without umlauts and carons (see `plate::normalise`).
    pub codes: &'static [&'static str],
    /// Where the code begins, counted in characters from 0; two places where a digit before it is optional.
    pub at: &'static [usize],
    /// How many letters may follow the code before the next digit: least and most.
    pub further: (usize, usize),
}

impl Areas {
    /// Whether `text` carries one of the codes at its place, read in any way that the letters allow: `BAB12`
    /// is B-AB 12 or BA-B 12.
    pub fn found_in(&self, text: &str) -> bool {
        let letters = |at: usize| {
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default()
        };
        self.at.iter().any(|&at| self.splits(letters(at)))
    }

    /// Whether a group of letters is a code and a lawful number of further letters.
    fn splits(&self, letters: &str) -> bool {
        let (least, most) = self.further;
        (least..=most).any(|further| {
            let code = letters.len().checked_sub(further).and_then(|n| letters.get(..n));
            code.is_some_and(|c| self.codes.binary_search(&c).is_ok())
        })
    }

    /// What part of the texts of a shape carry a code, where the shape's letters are free: for probabilities,
    /// not for decisions. Codes of which both readings exist are counted twice, at most to 1.
    pub(super) fn share_of(&self, masks: &[u64]) -> f64 {
        let is_letters = |m: &u64| m & super::DIGITS == 0;
        let share = |at: usize| {
            let group = masks.get(at..).unwrap_or_default().iter().take_while(|m| is_letters(m)).count();
            let (least, most) = self.further;
            let one = |further: usize| {
                let length = group.checked_sub(further)?;
                let codes = self.codes.iter().filter(|c| c.len() == length).count();
                let texts: f64 =
                    masks.get(at..at + length)?.iter().map(|m| f64::from(m.count_ones())).product();
                Some(codes as f64 / texts.max(1.0))
            };
            (least..=most).filter_map(one).sum::<f64>()
        };
        self.at.iter().map(|&at| share(at)).fold(0.0, f64::max).min(1.0)
    }
}

/// At the beginning, with nothing but digits after it.
pub(super) const fn leading(codes: &'static [&'static str]) -> Option<Areas> {
    Some(Areas { codes, at: &[0], further: (0, 0) })
}

/// At the beginning, with so many further letters.
pub(super) const fn followed(codes: &'static [&'static str], least: usize, most: usize) -> Option<Areas> {
    Some(Areas { codes, at: &[0], further: (least, most) })
}

/// Cantons, in use on plates since 1933; they are those of the constitution (art. 1).
pub(super) const SWISS_CANTONS: &[&str] = &[
    "AG", "AI", "AR", "BE", "BL", "BS", "FR", "GE", "GL", "GR", "JU", "LU", "NE", "NW", "OW", "SG", "SH",
    "SO", "SZ", "TG", "TI", "UR", "VD", "VS", "ZG", "ZH",
];

/// Registration areas, closed: NN 130/2017, Prilog 1 (34 codes, unchanged since NN 151/2008), as read in the
/// plates/_decode/hr-cities.yml of vehiclesdb (CC BY 4.0).
pub(super) const CROATIAN_TOWNS: &[&str] = &[
    "BJ", "BM", "CK", "DA", "DE", "DJ", "DU", "GS", "IM", "KA", "KC", "KR", "KT", "KZ", "MA", "NA", "NG",
    "OG", "OS", "PU", "PZ", "RI", "SB", "SI", "SK", "SL", "ST", "VK", "VT", "VU", "VZ", "ZD", "ZG", "ZU",
];

/// Registration areas, closed: Uradni list RS 48/2011, Priloga IV, as read in the plates/_decode/si-regions.yml
/// of vehiclesdb (CC BY 4.0).
pub(super) const SLOVENIAN_REGIONS: &[&str] =
    &["CE", "GO", "KK", "KP", "KR", "LJ", "MB", "MS", "NM", "PO", "SG"];

/// Counties without Bucharest (`B`): the 41 codes in use since 1992; the annex of HG 1391/2006 holds the official
/// list, this one is second-hand (plates/_decode/ro-counties.yml of vehiclesdb, CC BY 4.0).
pub(super) const ROMANIAN_COUNTIES: &[&str] = &[
    "AB", "AG", "AR", "BC", "BH", "BN", "BR", "BT", "BV", "BZ", "CJ", "CL", "CS", "CT", "CV", "DB", "DJ",
    "GJ", "GL", "GR", "HD", "HR", "IF", "IL", "IS", "MH", "MM", "MS", "NT", "OT", "PH", "SB", "SJ", "SM",
    "SV", "TL", "TM", "TR", "VL", "VN", "VS",
];

/// Index marks since 1987: S.I. 445/1986 Schedule part II and, for T since 2014, S.I. 243/2014, as read in the
/// plates/_decode/ie-counties.yml of vehiclesdb (CC BY 4.0).
pub(super) const IRISH_COUNTIES: &[&str] = &[
    "C", "CE", "CN", "CW", "D", "DL", "G", "KE", "KK", "KY", "L", "LD", "LH", "LK", "LM", "LS", "MH", "MN",
    "MO", "OY", "RN", "SO", "T", "TN", "TS", "W", "WD", "WH", "WW", "WX",
];

/// Districts and authorities (Unterscheidungszeichen, FZV annex 1 and the announcements after it): the union of
/// public lists, codes no longer issued included. Not the official list itself, hence `de-unlisted` beside it.
pub(super) const GERMAN_DISTRICTS: &[&str] = &[
    "A", "AA", "AB", "ABG", "ABI", "AC", "AD", "AE", "AF", "AH", "AIB", "AIC", "AK", "ALF", "ALZ", "AM",
    "AN", "ANA", "ANG", "ANK", "AO", "AP", "APD", "ARN", "ART", "AS", "ASL", "ASZ", "AT", "AU", "AUR", "AW",
    "AZ", "AZE", "B", "BA", "BAD", "BAR", "BB", "BBG", "BBL", "BC", "BCH", "BD", "BE", "BED", "BER", "BF",
    "BG", "BGD", "BGL", "BH", "BI", "BID", "BIN", "BIR", "BIT", "BIW", "BK", "BKS", "BL", "BLB", "BLK", "BM",
    "BN", "BNA", "BO", "BOG", "BOH", "BOR", "BOT", "BP", "BRA", "BRB", "BRG", "BRK", "BRL", "BRV", "BS",
    "BSB", "BSK", "BT", "BTF", "BUD", "BUL", "BUR", "BUS", "BUZ", "BW", "BWL", "BYL", "BZ", "C", "CA", "CAS",
    "CB", "CE", "CHA", "CLP", "CLZ", "CO", "COC", "COE", "CR", "CUX", "CW", "D", "DA", "DAH", "DAN", "DAU",
    "DB", "DBR", "DD", "DE", "DEG", "DEL", "DGF", "DH", "DI", "DIL", "DIN", "DIZ", "DKB", "DL", "DLG", "DM",
    "DN", "DO", "DON", "DU", "DUD", "DUW", "DW", "DZ", "E", "EA", "EB", "EBE", "EBN", "EBS", "ECK", "ED",
    "EE", "EF", "EG", "EH", "EI", "EIC", "EIL", "EIN", "EIS", "EL", "EM", "EMD", "EMS", "EN", "ER", "ERB",
    "ERH", "ERK", "ERZ", "ES", "ESB", "ESW", "EU", "EUS", "EW", "F", "FB", "FD", "FDB", "FDS", "FEU", "FF",
    "FFB", "FG", "FI", "FKB", "FL", "FLO", "FN", "FO", "FOR", "FR", "FRG", "FRI", "FRW", "FS", "FT", "FTL",
    "FU", "FUS", "FW", "FZ", "G", "GA", "GAN", "GAP", "GC", "GD", "GDB", "GE", "GEL", "GEO", "GER", "GF",
    "GG", "GHA", "GHC", "GI", "GK", "GL", "GLA", "GM", "GMN", "GN", "GNT", "GO", "GOA", "GOH", "GP", "GR",
    "GRA", "GRH", "GRI", "GRM", "GRZ", "GS", "GT", "GTH", "GU", "GUB", "GUN", "GV", "GVM", "GW", "GZ", "H",
    "HA", "HAB", "HAL", "HAM", "HAS", "HB", "HBN", "HBS", "HC", "HCH", "HD", "HDH", "HDL", "HE", "HEB",
    "HEF", "HEI", "HEL", "HER", "HET", "HF", "HG", "HGN", "HGW", "HH", "HHM", "HI", "HIG", "HIP", "HK", "HL",
    "HM", "HMU", "HN", "HO", "HOG", "HOH", "HOL", "HOM", "HOR", "HOS", "HOT", "HP", "HR", "HRO", "HS", "HSK",
    "HST", "HU", "HUN", "HV", "HVL", "HWI", "HX", "HY", "HZ", "IGB", "IK", "IL", "ILL", "IN", "IZ", "J",
    "JE", "JL", "JUL", "K", "KA", "KB", "KC", "KE", "KEH", "KEL", "KEM", "KF", "KG", "KH", "KI", "KIB", "KK",
    "KL", "KLE", "KLZ", "KM", "KN", "KO", "KON", "KOT", "KOZ", "KR", "KRU", "KS", "KT", "KU", "KUN", "KUS",
    "KW", "KY", "KYF", "L", "LA", "LAN", "LAU", "LB", "LBS", "LBZ", "LC", "LD", "LDK", "LDS", "LEO", "LER",
    "LEV", "LF", "LG", "LH", "LI", "LIB", "LIF", "LIP", "LL", "LM", "LN", "LO", "LOB", "LOS", "LP", "LR",
    "LRO", "LSA", "LSN", "LSZ", "LU", "LUN", "LUP", "LWL", "M", "MA", "MAB", "MAI", "MAK", "MAL", "MB", "MC",
    "MD", "ME", "MED", "MEG", "MEI", "MEK", "MEL", "MER", "MET", "MG", "MGH", "MGN", "MH", "MHL", "MI",
    "MIL", "MK", "MKK", "ML", "MM", "MN", "MO", "MOD", "MOL", "MON", "MOS", "MQ", "MR", "MS", "MSE", "MSH",
    "MSP", "MST", "MTK", "MTL", "MU", "MUB", "MUR", "MVL", "MW", "MY", "MYK", "MZ", "MZG", "N", "NAB", "NAI",
    "NAU", "NB", "ND", "NDH", "NE", "NEA", "NEB", "NEC", "NEN", "NES", "NEW", "NF", "NH", "NI", "NK", "NL",
    "NM", "NMB", "NMS", "NO", "NOH", "NOL", "NOM", "NOR", "NP", "NR", "NRW", "NT", "NU", "NVP", "NW", "NWM",
    "NY", "NZ", "OA", "OAL", "OB", "OBB", "OBG", "OC", "OCH", "OD", "OE", "OF", "OG", "OH", "OHA", "OHR",
    "OHV", "OHZ", "OK", "OL", "OP", "OPR", "OS", "OSL", "OVI", "OVL", "OVP", "OZ", "P", "PA", "PAF", "PAN",
    "PAR", "PB", "PCH", "PE", "PEG", "PF", "PI", "PIR", "PL", "PLO", "PM", "PN", "PR", "PRU", "PS", "PW",
    "PZ", "QFT", "QLB", "R", "RA", "RC", "RD", "RDG", "RE", "REG", "REH", "REI", "RG", "RH", "RI", "RID",
    "RIE", "RL", "RM", "RN", "RO", "ROD", "ROF", "ROK", "ROL", "ROS", "ROT", "ROW", "RP", "RPL", "RS", "RSL",
    "RT", "RU", "RUD", "RUG", "RV", "RW", "RZ", "S", "SAB", "SAD", "SAL", "SAN", "SAW", "SB", "SBG", "SBK",
    "SC", "SCZ", "SDH", "SDL", "SDT", "SE", "SEB", "SEE", "SEF", "SEL", "SFA", "SFB", "SFT", "SG", "SGH",
    "SH", "SHA", "SHG", "SHK", "SHL", "SI", "SIG", "SIH", "SIM", "SK", "SL", "SLE", "SLF", "SLG", "SLK",
    "SLN", "SLS", "SLU", "SLZ", "SM", "SMU", "SN", "SO", "SOB", "SOG", "SOK", "SOM", "SON", "SP", "SPB",
    "SPN", "SR", "SRB", "SRO", "ST", "STA", "STB", "STD", "STE", "STL", "SU", "SUL", "SUW", "SW", "SWA",
    "SY", "SZ", "SZB", "TBB", "TDO", "TE", "TET", "TF", "TG", "THL", "THW", "TIR", "TO", "TOL", "TP", "TR",
    "TS", "TT", "TU", "TUT", "UB", "UE", "UEM", "UER", "UFF", "UH", "UL", "UM", "UN", "USI", "V", "VAI",
    "VB", "VEC", "VER", "VG", "VIB", "VIE", "VIT", "VK", "VOH", "VR", "VS", "W", "WA", "WAF", "WAK", "WAN",
    "WAR", "WAT", "WB", "WBS", "WDA", "WE", "WEL", "WEN", "WER", "WES", "WF", "WG", "WHV", "WI", "WIL",
    "WIN", "WIS", "WIT", "WIV", "WIZ", "WK", "WL", "WLG", "WM", "WMS", "WN", "WND", "WO", "WOB", "WOH",
    "WOL", "WOR", "WOS", "WR", "WRN", "WS", "WSF", "WST", "WSW", "WT", "WTL", "WTM", "WU", "WUG", "WUM",
    "WUN", "WUR", "WW", "WZ", "WZL", "Z", "ZE", "ZEL", "ZI", "ZIG", "ZP", "ZR", "ZW", "ZZ",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order_and_plain() {
        for codes in [
            SWISS_CANTONS,
            CROATIAN_TOWNS,
            SLOVENIAN_REGIONS,
            ROMANIAN_COUNTIES,
            IRISH_COUNTIES,
            GERMAN_DISTRICTS,
        ] {
            assert!(codes.windows(2).all(|w| w[0] < w[1]), "{codes:?}");
            let plain = |c: &&str| (1..=3).contains(&c.len()) && c.bytes().all(|b| b.is_ascii_uppercase());
            assert!(codes.iter().all(plain), "{codes:?}");
        }
    }

    #[test]
    fn a_code_is_found_however_the_letters_split() {
        let german = Areas { codes: GERMAN_DISTRICTS, at: &[0], further: (1, 2) };
        for good in ["BAB12", "MAB123", "TOLBA218", "BA1"] {
            assert!(german.found_in(good), "{good}");
        }
        // There is no district I or IA; a district alone is not enough here.
        for bad in ["IAB123", "B1", "", "1"] {
            assert!(!german.found_in(bad), "{bad}");
        }
        let irish = Areas { codes: IRISH_COUNTIES, at: &[2, 3], further: (0, 0) };
        assert!(irish.found_in("131D12345") && irish.found_in("99KY1") && !irish.found_in("131DD1"));
    }

    #[test]
    fn shares_are_shares() {
        let cantons = Areas { codes: SWISS_CANTONS, at: &[0], further: (0, 0) };
        let shape = [super::super::LETTERS, super::super::LETTERS, super::super::DIGITS];
        assert!((cantons.share_of(&shape) - 26.0 / 676.0).abs() < 1e-9);
        assert_eq!(cantons.share_of(&[super::super::DIGITS]), 0.0);
    }
}
