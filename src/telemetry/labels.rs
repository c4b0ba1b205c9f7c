//! The closed sets of words that may stand in a metric's label: no caller can make up one, so no plate
//! and no error text can slip into the metrics, and their number stays bounded.

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use std::fmt;

macro_rules! label_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in the label.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                self.as_str().encode(encoder)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

label_enum!(
    /// Why a frame was not worked on.
    DropReason {
        /// A newer frame of the same live camera took its place before anyone had time for it.
        NewerFrame = "newer-frame",
        /// It could not be decoded.
        Corrupt = "corrupt",
        /// The box is ending.
        Stopping = "stopping",
        /// The stages after it were full.
        TooBusy = "too-busy",
        /// A stage failed on it.
        Failed = "failed",
    }
);

label_enum!(
    /// Why a reading was not used.
    RejectReason {
        /// The plate is narrower in px than what can be read.
        TooNarrow = "too-narrow",
        /// It lies in a mask of the camera.
        Masked = "masked",
        /// The reader says it is no plate or cannot be read.
        Unreadable = "unreadable",
        /// No character was read.
        Empty = "empty",
        /// More characters than any plate has.
        TooLong = "too-long",
        /// Its confidence is under the configured least.
        LowConfidence = "low-confidence",
        /// The reader failed on it.
        Failed = "failed",
    }
);

label_enum!(
    /// Why a track became no passage.
    DiscardReason {
        /// Fewer readings than configured.
        TooFewReadings = "too-few-readings",
        /// The fused confidence is under the configured least.
        LowConfidence = "low-confidence",
        /// No text came out of the fusion.
        NoText = "no-text",
        /// Letters alone where no such plates are issued: a sign.
        Lettering = "lettering",
        /// Another track of the same camera had told of the same plate.
        SameAsOther = "same-as-other",
    }
);

label_enum!(
    /// Why a passage is not recorded or told of although it was one.
    SuppressReason {
        /// Its plate stands on the ignore list.
        Ignored = "ignored",
        /// So it does, and the entry holds hits back too: there was one.
        IgnoredHit = "ignored-hit",
        /// The camera has told of as many passages in a minute as it may; it is recorded all the same.
        RateLimit = "rate-limit",
    }
);

label_enum!(
    /// A step of the work, in the order of the flow.
    Stage {
        /// Bytes to pixels.
        Decode = "decode",
        /// Frame to the detector's input.
        Scale = "scale",
        /// The detector.
        Detect = "detect",
        /// Four corners to an upright plate.
        Rectify = "rectify",
        /// The reader.
        Read = "read",
        /// Association and fusion.
        Track = "track",
        /// Grammar and lists.
        Judge = "judge",
        /// Pixels to JPEG.
        Encode = "encode",
        /// The transaction and its pictures.
        Record = "record",
        /// From handing a message to the broker to its acknowledgement.
        Deliver = "deliver",
    }
);

label_enum!(
    /// A bounded queue, named by who takes from it.
    QueueName {
        /// Frames waiting for detection and reading.
        Vision = "vision",
        /// Passages waiting for the lists.
        Judge = "judge",
        /// Records waiting for the store's writer.
        Store = "store",
        /// Messages on their way to the broker.
        Alert = "alert",
    }
);

label_enum!(
    /// What kept the store from keeping something.
    StoreErrorKind {
        /// No space left.
        DiskFull = "disk-full",
        /// The disk or folder cannot be written.
        ReadOnly = "read-only",
        /// Another process holds the database.
        Busy = "busy",
        /// The database is damaged.
        Corrupt = "corrupt",
        /// The disk did not answer in time.
        Slow = "slow",
        /// A picture could not be written.
        Picture = "picture",
        /// Anything else; the log says what.
        Other = "other",
    }
);
