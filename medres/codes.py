"""The list of codes, one line each: `CODE | how it arises | what to do`.

Data only; `medres.errors` turns it into `CODES`. A new code is added here and nowhere else.
"""

INTAKE = """
E_GEOM_GAP | a slice is missing from the series | export the series again, or use --allow-gaps (marked not for clinical use)
E_GEOM_DUPLICATE | two slices with different pixels lie at one position | choose one acquisition in the archive and export it alone
E_GEOM_UNEVEN | the distance between slices changes along the series | export an evenly spaced reconstruction, or use --resample-uneven
E_GEOM_MATRIX | the slices of one series differ in rows or columns | export each reconstruction as its own series
E_SERIES_AMBIGUOUS | more than one volume answers to what was asked for | name one of the listed keys with --series
E_PATIENT_MIX | one SeriesInstanceUID carries two patients | correct the identifiers in the archive and export again
E_COLOUR | a colour picture stands where a grey volume is needed | export the grey original, or use a model that declares three channels
E_TRUNCATED | the file ends before its pixels do | copy or export the file again
E_HEADER_VALUE | a header element that geometry or values depend on is not usable | export again from the scanner or the archive
E_NOT_DICOM | the file is no DICOM image, or its data contradict its transfer syntax | check the export; only images can be read
E_NO_RESCALE | a CT slice carries no rescale to Hounsfield units | export the original CT series
E_VALUE_RANGE | values lie outside what this modality can hold (a wrong sign flag does this) | correct PixelRepresentation or export again
E_NO_SPACING | no pixel spacing is given | export the original series; a picture without spacing can be read as 2D
E_NO_POSITION | slices carry no position | export the original series
E_SIZE_LIMIT | the header asks for more voxels than the file or the limit allows | check the file; a volume of more than 2^30 voxels must be cropped or resampled first
E_NO_DECODER | no decoder for this transfer syntax is installed | install the extra that is named, or export uncompressed
E_UNSUPPORTED | this kind of object cannot be read as a scan | convert it first, as the message says
E_NIFTI_FORMS | sform and qform of the NIfTI file disagree | choose one with --nifti-frame sform or --nifti-frame qform
E_NIFTI_TYPE | the NIfTI file holds colour, complex or 2-D data | convert it to a real 3-D volume
E_NIFTI_HEADER | the NIfTI header is not usable | write the file again from its source
E_NOT_FINITE | more than half of the volume is NaN or infinite | write the file again from its source
E_NO_MODALITY | the file does not say its modality | give it with --modality, or read(..., modality=)
E_NOT_FOUND | there is nothing at this place | check the path
E_EMPTY_FOLDER | the folder holds no scan | point at a folder with DICOM, NIfTI, PNG or JPEG files
E_UNREADABLE | the file cannot be opened | check permissions and the disk, then copy it again
E_INPUT_CHANGED | the file changed while it was read | wait until the transfer has ended and read again
E_UPLOAD | the upload is no scan, or too large | upload a zip of DICOM files, a NIfTI file or a picture
E_ARCHIVE | the archive is unsafe or too large | unpack it yourself and point at the folder
W_MONO1 | a MONOCHROME1 picture: shown and scored with its polarity inverted | nothing
W_MODALITY_LUT | values come from a modality lookup table | nothing
W_PADDING | the scanner filled part of the image with padding | nothing; padding is not shown to the network
W_OVERLAY_IN_PIXEL | an overlay stood in unused high bits and was masked | nothing
W_DUPLICATE | the same slice stood there twice; one was kept | export without duplicates
W_EMPTY_UID | identifiers were emptied; geometry and folder decide what belongs together | no DICOM result can be written for it; export with replaced, not emptied, UIDs
W_TILT | the gantry was tilted: slices are sheared against each other | nothing; the exact geometry is carried along
W_LOCALIZER_SKIPPED | a localizer stood among the slices and was left out | nothing
W_YBR | a YBR colour picture was converted to RGB | nothing
W_PALETTE | a palette picture was converted to RGB | nothing
W_PIXEL_EXCESS | PixelData holds more bytes than the header's rows and columns ask for; the rest was left out | see that nothing is cut off the picture
W_LOSSY | the pixels went through lossy compression | prefer the original where a subtle finding matters
W_THICKNESS | SliceThickness is unlike the distance between slices | nothing; positions decide
W_NO_PREAMBLE | the DICOM file has no preamble | nothing
W_SKIPPED_FILES | files that are no scan were skipped | nothing; they are listed
W_BURNED_IN | text may be burned into the pixels | look before you share it; export of pictures is blocked
W_GAPS_FILLED | missing slices were filled by interpolation | not for clinical use
W_UNEVEN_RESAMPLED | uneven slices were resampled onto an even grid | not for clinical use
W_DETECTOR_SPACING | spacing is the detector's (ImagerPixelSpacing), not the patient's | do not measure on it
W_REGION_SPACING | spacing is that of the calibrated ultrasound region; around it (text, scales) nothing has a size | do not measure outside of the region
W_RESCALE_TYPE | the header calls the values of a CT something else than plain Hounsfield units | compare with a tissue that is known before a score is used
W_NIFTI_NO_SIDE | the NIfTI file says nothing of patient space; left and right are unknown | no side is shown
W_NIFTI_SCALE | the NIfTI scaling is not usable and was left out | check the values
W_NIFTI_NAME | the file's name and its compression disagree | rename it
W_NOT_FINITE | some voxels are NaN or infinite and count as outside the scan | nothing
W_ALPHA | parts of the picture are transparent and count as outside it | nothing
W_SPACING_UNKNOWN | the true spacing is not known | nothing in mm is given
"""

DATASET = """
E_MANIFEST_COLUMN | a column that the manifest needs is missing | add it; needed are patient_id, path and label
E_MANIFEST_FILE | files named in the manifest are missing | correct the paths; they are relative to the manifest
E_MANIFEST_LABEL | a label is unknown or empty | use the labels that the configuration names
E_MANIFEST_DUPLICATE | rows name the same scan twice | keep one row for each scan
E_MANIFEST_EMPTY | the manifest holds no rows | add scans
E_MANIFEST_FORMAT | the manifest cannot be read as CSV | save it as CSV in UTF-8
E_PATIENT_LABELS | a patient has two labels where only one can be | correct the labels or use labels per scan
E_PATIENT_LEAK | a patient stands in two parts of the split | make the split again with medres split
E_LEAK | scans or their near-copies stand in two parts of the split | run medres audit --fix groups and split again
E_SPLIT_DIGEST | the split was made for another manifest | make the split again with medres split
E_SPLIT_FORMAT | the split file cannot be used | make the split again with medres split
E_SPLIT_TOO_FEW | too few patients for the parts asked for | ask for fewer parts or add patients
W_FLAT | every pixel of a scan has the same value | leave the scan out, or export it again
E_MASK | a segmentation cannot be used | convert it as the message says
E_POINTS | a file of lesion points cannot be used | correct the rows that are named; docs/patches.md describes the file
E_LESION_NONE | a positive scan says nowhere where its lesion is, and points or masks were to teach it | add its points or mask, leave the scan out, or take supervision = "scan"
"""

MODEL = """
E_SPEC | a configuration value is not valid | correct the key that is named
E_SPEC_UNKNOWN_KEY | a configuration has a key that is not known | remove it or correct its spelling
E_SPEC_VERSION | a configuration was written for a newer medres | update medres, or write it for this version
E_SPEC_FORMAT | the configuration file cannot be read | correct the TOML at the place named
E_MODEL_MISSING | the folder is no TrainedModel | point at a folder with trained_model.json
E_MODEL_DIGEST | a file of the model is not the one it was saved with | copy the model folder again
E_MODEL_SCHEMA | the model's description cannot be used by this version | update medres or train again
E_MODEL_SHAPE | weights and description of the model disagree | copy the model folder again
E_MODEL_MEMBERS | the members of an ensemble do not belong together | choose models of the same labels, modality and channels
E_MODEL_GOLDEN | the model does not give its golden probability here | copy the folder again; if it stays, do not use it on this machine
E_WEIGHTS_FILE | a weight file cannot be read safely | fetch it again; only safetensors and plain tensors are opened
E_WEIGHTS_COVERAGE | too little of the backbone was loaded | choose weights of this network and depth
E_WEIGHTS_SOURCE | no source of weights has this name | choose one of the names that medres weights list shows
E_WEIGHTS_MISSING | the weights are not in the weights folder | run medres weights fetch, or place the file that is named there
E_WEIGHTS_DIGEST | a weight file is not the one that was published or pinned | remove it and fetch it again
E_WEIGHTS_FETCH | the weights could not be fetched | run the command again, it goes on where it stopped; offline, place the file that is named
E_NETWORK_UNKNOWN | no network has this name | choose one of the names that are listed
E_NETWORK_OPTION | this network has no such choice | leave the choice out, or take a network that has it
E_INPUT_SMALL | the input is too small for this network | enlarge it to the size that is named
E_ENGINE | the inference engine cannot run this | use --engine torch
E_DEVICE | the device that was asked for is not there | use --device cpu
W_MODEL_PHANTOM | the model was trained on synthetic phantoms | for demonstration only
"""

SCOPE = """
E_CHANNEL_MISSING | a channel that the model needs was not given | give every channel by name
E_CHANNEL_UNKNOWN | a channel was given that the model does not know | use the names that are listed
E_CHANNEL_GRID | the channels of one scan do not lie in one space | register them to one frame of reference and export again
E_DIMENSIONS | a picture stands where a volume is needed, or a volume where a picture is | choose a model for this kind of scan
E_SCOPE_MODALITY | the scan is of another modality than the model was trained on | choose a model for this modality
E_SCOPE_INTENSITY | the scan's intensities are unlike the training data's | look at the scan; this model cannot answer for it
E_SCOPE_EMBEDDING | the network sees a scan unlike those it was trained on | look at the scan; this model cannot answer for it
E_SCOPE_BODY | the scan's extent is unlike the training data's | look at the scan; this model cannot answer for it
"""

TRAINING = """
E_TRAIN_CLASS | a class has too few patients to train on | add patients or leave the class out
E_TRAIN_COLLAPSE | pretraining brings all scans to one point | lower pretraining.learning_rate, strengthen its augmentation or enlarge the batch
E_TRAIN_NAN | the loss became NaN | lower the learning rate; the rows of the batch are named
E_TRAIN_MEMORY | this experiment does not fit the memory | use the size that is named
E_TRAIN_PROCESS | a process that trained together with this one was killed | free memory or use fewer --devices, then go on with --resume
E_TRAIN_OUT | the output folder already holds another run | choose another --out or go on with --resume
E_PLAN_EMPTY | no scan of the manifest can be read | see medres audit for what is wrong with them
E_PLAN_MIXED | the manifest's scans are of several kinds | make one manifest for each kind
E_SELECT_RUN | a run to select from is no finished run of folds | finish it with medres train --folds
E_SELECT_FOLDS | runs to select from were not made on the same folds | train them with one manifest and one split
E_TRAIN_RESUME | there is nothing to resume, or it belongs to another configuration | start without --resume in a new folder
"""

EVALUATION = """
E_EVAL_LENGTH | labels and scores differ in length | give one score for each label
E_EVAL_LABEL | a label lies outside the two classes | use 0 and 1, or name the classes
E_EVAL_SCORE | a score is NaN or infinite | remove or repair the rows that are named
E_EVAL_RANGE | a score lies outside [0, 1] where probabilities are needed | give probabilities
E_EVAL_ONE_CLASS | only one class is present | add cases of the other class
E_EVAL_DUPLICATE | a scan stands twice among the predictions | keep one row for each scan
E_EVAL_CLUSTERED | several scans of one patient stand where independent ones are needed | use a method for clustered data
E_EVAL_LEAK | the test set shares patients with the training data | evaluate on patients that the model has never seen
E_EVAL_TEST_THRESHOLD | an operating point must not be chosen on test data | choose it on validation data
E_EVAL_EMPTY | no case is left to evaluate | check manifest, split and failures
E_EVAL_VALUE | an argument of an evaluation is out of its range | correct the value that is named
"""

STORE = """
E_DISK_FULL | the disk is full or a size limit was hit | free space and run the same command again; what was finished is kept
E_KEY_FILE | the file with the site's key cannot be used | point at the key file that this site has used so far, or remove the option
E_STORE_LOCKED | another program holds the store | wait for it, or choose another --out
E_STORE_FORMAT | the store was not written by this version of medres | use a new --out, or update medres
E_STORE_UNREACHABLE | the database server does not answer, or refuses the login | check that it runs, and the URL, name and password
E_STORE_OTHER | the results folder belongs to another folder of scans | choose another --out
E_INTERNAL | medres met a fault of its own | run the scan alone with medres predict, and report the code and the version
E_REVIEW_TRAIL | an entry of the review trail was changed, removed or cut off | keep the store as evidence and go back to a copy that verifies
E_REVIEW_HEAD | the head of a review trail cannot be read | give it as medres review verify printed it
E_REVIEW_EMPTY | no reading has been recorded | read studies first with medres view
E_WORKER_DIED | the process that read this scan died | look at the scan alone with medres inspect
E_TIMEOUT | the scan took longer than the limit | raise --timeout, or look at the scan alone
E_RESULT_FORMAT | the result file cannot be used | make it again with medres predict or medres score
E_EXPLAIN_LAYER | the network has no such layer | choose one of the layers that are listed
E_EXPLAIN_LABEL | the model knows no such label | choose one of the labels that are listed
E_EXPLAIN_INPUT | a heatmap needs a scan that the model answers for | see the reason beside it
E_WRITE | the result cannot be written there | choose another place, or make its folder first
E_OPTIONAL | an optional package is not installed | install the extra that is named
E_USAGE | the command was called in a way it cannot follow | see --help
"""

TABLES = {
    "intake": INTAKE,
    "dataset": DATASET,
    "model": MODEL,
    "scope": SCOPE,
    "training": TRAINING,
    "evaluation": EVALUATION,
    "store": STORE,
}
